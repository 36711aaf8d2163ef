// SPDX-License-Identifier: Apache-2.0
// Joins this terminal and consoled's socket.
#include "dom0-tools/cli/console_relay.hpp"
#include "dom0-tools/cli/daemon_client.hpp"
#include "dom0-tools/cli/session.hpp"
#include "dom0-tools/cli/verbs.hpp"

#include <termios.h>
#include <unistd.h>

namespace hospes::cli {
namespace {

using nlohmann::json;

constexpr char kConsoledSocket[] = "/run/hospes/consoled.sock";

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
    // What has been typed and not read goes: it may be the terminal's answer to something the domain has printed, not for dom0's shell.
    ~RawTerminal() {
        if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved_);
    }
    bool is_terminal() const { return is_terminal_; }

private:
    termios saved_{};
    bool is_terminal_ = false;
};

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
    auto outcome = ConsoleRelay::Outcome::left;
    {
        RawTerminal const terminal;
        ConsoleRelay relay{STDIN_FILENO, STDOUT_FILENO, socket.get(), terminal.is_terminal()};
        outcome = HV_TRY(relay.run());
    }
    fmt::print(stderr, "\n-- {}\n", outcome == ConsoleRelay::Outcome::left ? "left the console" : "the console has ended");
    return {};
}

}  // namespace hospes::cli
