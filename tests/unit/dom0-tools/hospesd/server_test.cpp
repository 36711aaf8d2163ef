// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/hospesd/server.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

using namespace hospes;
using hospes::hospesd::Server;

namespace {

// A server that says each line back, on a socket of its own.
struct Echo {
    std::filesystem::path folder = make_folder();
    std::string path = (folder / "below/test.sock").string();
    EventLoop loop;
    int lines = 0;
    Server server{loop, [this](std::string const& line) {
                      ++lines;
                      return "<" + line + ">";
                  }};

    Echo() { REQUIRE(server.listen(path)); }
    ~Echo() { std::filesystem::remove_all(folder); }

    static std::filesystem::path make_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "hospes-test-XXXXXX").string();
        return ::mkdtemp(name.data());
    }
    UniqueFd connect() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof(address)) == 0);
        return socket;
    }
    void turn() {
        for (int i = 0; i < 10; ++i) loop.run_once(false);
    }
    void send(UniqueFd const& socket, std::string const& text) {
        REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
        turn();
    }
    // What has arrived; "(end)" when the server has hung up.
    std::string receive(UniqueFd const& socket) {
        turn();
        char buffer[256];
        auto const count = ::recv(socket.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
        if (count == 0) return "(end)";
        return count < 0 ? "" : std::string(buffer, static_cast<std::size_t>(count));
    }
};

}  // namespace

TEST_CASE("each line is answered, however it arrives", "[hospesd]") {
    Echo echo;
    auto const client = echo.connect();
    echo.send(client, "one");
    CHECK(echo.receive(client).empty());
    echo.send(client, " line\ntwo\nthr");
    CHECK(echo.receive(client) == "<one line>\n<two>\n");
    echo.send(client, "ee\n");
    CHECK(echo.receive(client) == "<three>\n");
}

TEST_CASE("clients do not disturb each other, nor does one that leaves in the middle", "[hospesd]") {
    Echo echo;
    auto const first = echo.connect();
    {
        auto const second = echo.connect();
        echo.send(second, "half a li");
        echo.send(first, "a\n");
    }
    echo.turn();
    CHECK(echo.receive(first) == "<a>\n");
    {
        auto const third = echo.connect();
        echo.send(third, "b\n");  // gone before it has read its answer
    }
    echo.turn();
    echo.send(first, "c\n");
    CHECK(echo.receive(first) == "<c>\n");
    CHECK(echo.lines == 3);
}

TEST_CASE("a line without end is hung up on", "[hospesd]") {
    Echo echo;
    auto const client = echo.connect();
    std::string const block(65536, 'x');
    std::string answer;
    for (int i = 0; i < 80 && answer != "(end)"; ++i) {
        static_cast<void>(::send(client.get(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
        answer = echo.receive(client);
    }
    // Unread input makes it a reset where it is not an end.
    char byte = 0;
    CHECK(::recv(client.get(), &byte, 1, MSG_DONTWAIT) <= 0);
    CHECK(echo.lines == 0);
    auto const next = echo.connect();
    echo.send(next, "d\n");
    CHECK(echo.receive(next) == "<d>\n");
}

TEST_CASE("only root may connect, and a dead server's socket is replaced", "[hospesd]") {
    Echo echo;
    struct stat status {};
    REQUIRE(::stat(echo.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    Server second{echo.loop, [](std::string const&) { return std::string{"second"}; }};
    REQUIRE(second.listen(echo.path));
    auto const client = echo.connect();
    echo.send(client, "x\n");
    CHECK(echo.receive(client) == "second\n");
    CHECK(second.listen(std::string(200, 'a')).error().code() == ENAMETOOLONG);
}
