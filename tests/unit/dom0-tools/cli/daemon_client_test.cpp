// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/daemon_client.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <array>

using namespace hospes;
using namespace hospes::cli;

namespace {

// Both ends of a socket; what the daemon says is there before it is asked.
struct Line {
    UniqueFd ours;
    UniqueFd daemons;

    explicit Line(std::string const& answer) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        ours.reset(ends[0]);
        daemons.reset(ends[1]);
        REQUIRE(::send(daemons.get(), answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size()));
        REQUIRE(::shutdown(daemons.get(), SHUT_WR) == 0);
    }
    Result<std::string> exchange() const { return exchange_line(ours.get(), "question", "hospesd"); }
    static std::string take(UniqueFd const& end) {
        std::array<char, 64> buffer{};
        auto const count = ::recv(end.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }
};

}  // namespace

TEST_CASE("a daemon's answer is its first line, and what follows it stays", "[cli][daemon]") {
    Line const line{"answer\nlogin: "};
    CHECK(line.exchange() == "answer");
    CHECK(Line::take(line.daemons) == "question\n");
    CHECK(Line::take(line.ours) == "login: ");
}

TEST_CASE("an answer may be longer than what is taken at once", "[cli][daemon]") {
    auto const size = GENERATE(std::size_t{0}, std::size_t{4095}, std::size_t{4096}, std::size_t{20'000});
    Line const line{std::string(size, 'x') + "\n"};
    CHECK(line.exchange() == std::string(size, 'x'));
}

TEST_CASE("a daemon that ends before its answer does is told about", "[cli][daemon]") {
    Line const line{"ans"};
    auto const answer = line.exchange();
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code() == ECONNRESET);
    CHECK(answer.error().message().starts_with("hospesd has ended before it answered"));
}
