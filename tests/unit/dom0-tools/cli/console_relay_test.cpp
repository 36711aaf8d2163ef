// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/console_relay.hpp"

#include "dom0-tools/base/unique_fd.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <span>
#include <string>
#include <thread>

using namespace hospes;
using namespace hospes::cli;

namespace {

using Outcome = ConsoleRelay::Outcome;

constexpr char kCtrlBracket[] = "\x1d";

// What is typed, what is shown, and both ends of the socket to consoled.
struct Desk {
    UniqueFd keys, typist, screen, shown, socket, consoled;

    Desk() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe(ends.data()) == 0);
        keys.reset(ends[0]);
        typist.reset(ends[1]);
        REQUIRE(::pipe(ends.data()) == 0);
        shown.reset(ends[0]);
        screen.reset(ends[1]);
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        socket.reset(ends[0]);
        consoled.reset(ends[1]);
        int const small = 4096;
        REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    }
    static void put(UniqueFd const& end, std::string const& text) {
        REQUIRE(write_all(end.get(), std::as_bytes(std::span{text}), "the test's end"));
    }
    Result<Outcome> run(bool is_terminal) const { return ConsoleRelay{keys.get(), screen.get(), socket.get(), is_terminal}.run(); }
};

std::string read_all(UniqueFd const& end) {
    std::string all;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = ::read(end.get(), buffer.data(), buffer.size())) > 0;) all.append(buffer.data(), static_cast<std::size_t>(count));
    return all;
}

}  // namespace

TEST_CASE("Ctrl-] leaves the console of a domain that takes no input", "[cli][console]") {
    Desk desk;
    Desk::put(desk.typist, std::string(60'000, 'x') + kCtrlBracket);
    CHECK(desk.run(true) == Outcome::left);
}

TEST_CASE("a script's input all arrives before Ctrl-] leaves", "[cli][console]") {
    Desk desk;
    std::string const text = std::string(300'000, 'y') + kCtrlBracket;
    std::string got;
    std::thread script{[&] { (void)write_all(desk.typist.get(), std::as_bytes(std::span{text}), "the script"); }};
    std::thread domain{[&] { got = read_all(desk.consoled); }};
    auto const outcome = desk.run(false);
    desk.socket.reset();
    script.join();
    domain.join();
    CHECK(outcome == Outcome::left);
    CHECK(got.size() == text.size() - 1);
}

TEST_CASE("the end of the keys is not the end of the output", "[cli][console]") {
    Desk desk;
    Desk::put(desk.typist, "exit\n");
    desk.typist.reset();
    Desk::put(desk.consoled, "bye\n");
    REQUIRE(::shutdown(desk.consoled.get(), SHUT_WR) == 0);
    CHECK(desk.run(false) == Outcome::ended);
    desk.screen.reset();
    CHECK(read_all(desk.shown) == "bye\n");
}
