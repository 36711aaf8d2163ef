// SPDX-License-Identifier: Apache-2.0
// Joins this terminal and consoled's socket.
#include "dom0-tools/cli/daemon_client.hpp"
#include "dom0-tools/cli/session.hpp"
#include "dom0-tools/cli/verbs.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace hospes::cli {
namespace {

using nlohmann::json;

constexpr char kConsoledSocket[] = "/run/hospes/consoled.sock";
constexpr char kLeave = 0x1d;  // Ctrl-]

// The terminal hands every key through, until this object goes.
class RawTerminal {
public:
    RawTerminal() {
        if (::tcgetattr(STDIN_FILENO, &saved_) != 0) return;
        is_terminal_ = true;
        auto raw = saved_;
        ::cfmakeraw(&raw);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
    RawTerminal(RawTerminal const&) = delete;
    RawTerminal& operator=(RawTerminal const&) = delete;
    ~RawTerminal() {
        if (!is_terminal_) return;
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_);
    }
    bool is_terminal() const { return is_terminal_; }

private:
    termios saved_{};
    bool is_terminal_ = false;
};

enum class Outcome : std::uint8_t { go_on, left, ended };

Result<Outcome> from_keys(int socket, bool& keys_are_open) {
    std::array<char, 1024> buffer;
    auto const count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count <= 0) {
        keys_are_open = false;
        return Outcome::go_on;  // standard input has ended; the domain's output has not
    }
    auto const keys = std::span{buffer}.first(static_cast<std::size_t>(count));
    auto const leave = std::ranges::find(keys, kLeave);
    auto const before = keys.first(static_cast<std::size_t>(leave - keys.begin()));
    if (!before.empty()) HV_TRY(write_all(socket, std::as_bytes(before), "consoled"));
    return leave == keys.end() ? Outcome::go_on : Outcome::left;
}

Result<Outcome> from_domain(int socket) {
    std::array<char, 16384> buffer;
    auto const count = ::read(socket, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return Outcome::go_on;
    if (count <= 0) return Outcome::ended;
    HV_TRY(write_all(STDOUT_FILENO, std::as_bytes(std::span{buffer}.first(static_cast<std::size_t>(count))), "the terminal"));
    return Outcome::go_on;
}

Result<Outcome> relay(int socket, bool reads_keys) {
    std::array<pollfd, 2> descriptors{};
    for (;;) {
        descriptors[0] = {socket, POLLIN, 0};
        descriptors[1] = {reads_keys ? STDIN_FILENO : -1, POLLIN, 0};
        if (::poll(descriptors.data(), descriptors.size(), -1) < 0 && errno != EINTR) return fail_errno("wait for the console");
        auto outcome = Outcome::go_on;
        if (descriptors[0].revents != 0) outcome = HV_TRY(from_domain(socket));
        if (outcome == Outcome::go_on && descriptors[1].revents != 0) outcome = HV_TRY(from_keys(socket, reads_keys));
        if (outcome != Outcome::go_on) return outcome;
    }
}

}  // namespace

Status console(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const domain = HV_TRY(session.find(arguments.operand));
    if (domain.id == kDomIdDom0) return fail(EINVAL, "domain 0 is the control domain; its console is the machine's own");
    auto const socket = HV_TRY(connect_to(kConsoledSocket, "consoled"));
    json const request{{"domain", domain.name.empty() ? fmt::format("{}", domain.id.raw()) : domain.name},
                       {"mode", arguments.read_only ? "ro" : "rw"}};
    auto const reply = HV_TRY(exchange_line(socket.get(), request.dump(), "consoled"));
    auto const answer = json::parse(reply, nullptr, false);
    if (!answer.is_object()) return fail(EPROTO, "consoled's answer is not understood: {}", reply.substr(0, 200));
    if (!answer.value("ok", !answer.contains("error"))) {
        return fail(EIO, "{}", answer.value("error", std::string{"consoled has refused without a reason"}));
    }
    fmt::print(stderr, "-- console of domain {}; Ctrl-] leaves it\n", domain.name);
    auto outcome = Outcome::left;
    {
        RawTerminal const terminal;
        outcome = HV_TRY(relay(socket.get(), true));
    }
    fmt::print(stderr, "\n-- {}\n", outcome == Outcome::left ? "left the console" : "the console has ended");
    return {};
}

}  // namespace hospes::cli
