// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/session.hpp"

#include "tests/support/guest_console.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <unistd.h>

using namespace hospes;
using namespace hospes::consoled;

namespace {

struct Fixture : test::GuestConsole {
    int ended = 0;

    void turn() {
        for (int i = 0; i < 5; ++i) loop.run_once(false);
    }
};

// A client at the other end of a session; its request is answered with the fixture's console.
struct Client {
    Fixture& fixture;
    UniqueFd socket;
    std::unique_ptr<Session> session;

    explicit Client(Fixture& owner) : fixture{owner} {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        socket.reset(fds[0]);
        session = *Session::start(owner.loop, UniqueFd{fds[1]}, [this](Session& ready) { ready.attach(*fixture.console); }, [this](Session&) { ++fixture.ended; });
    }
    void says(std::string_view text) {
        REQUIRE(::send(socket.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
        fixture.turn();
    }
    std::string hears() {
        fixture.turn();
        std::string text(100000, '\0');
        auto const count = ::recv(socket.get(), text.data(), text.size(), 0);
        text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return text;
    }
};

constexpr char const* kWriter = "{\"domain\":\"web\",\"mode\":\"rw\"}\n";
constexpr char const* kReader = "{\"domain\":\"web\",\"mode\":\"ro\"}\n";

}  // namespace

TEST_CASE("a client's first line names the domain and what it wants", "[consoled][session]") {
    auto request = Session::parse_request(R"({"domain":"web","mode":"ro"})");
    REQUIRE(request.has_value());
    CHECK(request->domain == "web");
    CHECK(!request->wants_input);
    request = Session::parse_request(R"({"domain":7,"mode":"rw"})");
    REQUIRE(request.has_value());
    CHECK(request->domain == "7");
    CHECK(request->wants_input);
    CHECK(Session::parse_request(R"({"domain":"web"})")->wants_input);
}

TEST_CASE("any other first line is answered with what is expected", "[consoled][session]") {
    auto const line = GENERATE("", "web", "[]", "{", R"({"mode":"rw"})", R"({"domain":"web","mode":"x"})", R"({"domain":null})", R"({"domain":-1})", R"({"domain":""})", R"({"domain":"web","mode":3})");
    auto const request = Session::parse_request(line);
    REQUIRE(!request.has_value());
    CHECK(request.error().message().find("the first line must be") == 0);
}

TEST_CASE("a writer sees what was, types, and sees what comes", "[consoled][session]") {
    Fixture f;
    f.guest_writes("login: ");
    Client client{f};
    client.says(std::string{kWriter} + "root\n");  // input right behind the request is not lost
    auto const heard = client.hears();
    CHECK(heard.starts_with("{\"domain\":3,\"mode\":\"rw\",\"name\":\"web\",\"ok\":true"));
    CHECK(heard.ends_with("}\nlogin: "));
    CHECK(f.guest_reads() == "root\n");
    client.says("ls\n");
    CHECK(f.guest_reads() == "ls\n");
    f.guest_writes("bin\n");
    CHECK(client.hears() == "bin\n");
    client.socket.reset();
    f.turn();
    CHECK(f.ended == 1);
}

TEST_CASE("readers read side by side, and what they type goes nowhere", "[consoled][session]") {
    Fixture f;
    Client writer{f}, reader{f}, second{f};
    writer.says(kWriter);
    reader.says(kReader);
    second.says(kWriter);
    CHECK(second.hears().find("\"error\":\"somebody else is typing") != std::string::npos);
    CHECK(f.ended == 1);
    writer.hears();
    reader.hears();
    reader.says("rm -rf /\n");
    CHECK(f.ring->in_prod == 0);
    f.guest_writes("hello");
    CHECK(writer.hears() == "hello");
    CHECK(reader.hears() == "hello");
}

TEST_CASE("more input than fits arrives whole, as the domain reads it", "[consoled][session]") {
    Fixture f;
    Client client{f};
    client.says(kWriter);
    std::string const much(20000, 'x');
    client.says(much);
    std::string read;
    for (int i = 0; i < 100 && read.size() < much.size(); ++i) {
        read += f.guest_reads();
        f.turn();
    }
    CHECK(read == much);
}

TEST_CASE("the end of the domain is the end of the session, after its last words", "[consoled][session]") {
    Fixture f;
    Client client{f};
    client.says(kReader);
    f.guest_writes("Power down.\n");
    f.console.reset();
    CHECK(client.hears().ends_with("Power down.\n"));
    CHECK(f.ended == 1);
}
