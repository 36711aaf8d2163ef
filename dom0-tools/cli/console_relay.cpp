// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/console_relay.hpp"

#include "dom0-tools/base/unique_fd.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace hospes::cli {
namespace {

constexpr char kLeave = 0x1d;  // Ctrl-]
constexpr std::size_t kMostPending = 4096;

}  // namespace

bool ConsoleRelay::wants_keys() const {
    return !have_keys_ended_ && !is_leaving_ && (is_terminal_ || pending_.size() < kMostPending);
}

void ConsoleRelay::take_keys() {
    std::array<char, 1024> buffer;
    auto const count = ::read(keys_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) {
        have_keys_ended_ = true;
        return;
    }
    std::string_view const keys{buffer.data(), static_cast<std::size_t>(count)};
    auto const leave = keys.find(kLeave);
    auto const before = keys.substr(0, leave);
    pending_ += is_terminal_ ? before.substr(0, kMostPending - std::min(kMostPending, pending_.size())) : before;
    is_leaving_ = leave != std::string_view::npos;
}

Status ConsoleRelay::send_pending() {
    while (!pending_.empty()) {
        auto const count = ::send(socket_, pending_.data(), pending_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return {};
        if (count < 0) return fail_errno("write to consoled");
        pending_.erase(0, static_cast<std::size_t>(count));
    }
    return {};
}

// False: consoled has ended the connection.
Result<bool> ConsoleRelay::show_output() {
    std::array<char, 16384> buffer;
    auto const count = ::read(socket_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return true;
    if (count <= 0) return false;
    HV_TRY(write_all(screen_, std::as_bytes(std::span{buffer}.first(static_cast<std::size_t>(count))), "the terminal"));
    return true;
}

Result<ConsoleRelay::Outcome> ConsoleRelay::run() {
    for (;;) {
        auto const wanted = static_cast<short>(pending_.empty() ? POLLIN : POLLIN | POLLOUT);
        std::array<pollfd, 2> ready{{{socket_, wanted, 0}, {wants_keys() ? keys_ : -1, POLLIN, 0}}};
        if (::poll(ready.data(), ready.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return fail_errno("wait for the console");
        }
        if ((ready[0].revents & ~POLLOUT) != 0 && !HV_TRY(show_output())) return Outcome::ended;
        if (ready[1].revents != 0) take_keys();
        HV_TRY(send_pending());
        if (is_leaving_ && (is_terminal_ || pending_.empty())) return Outcome::left;
    }
}

}  // namespace hospes::cli
