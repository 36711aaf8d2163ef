// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/daemon_client.hpp"

#include "dom0-tools/control/daemon_log.hpp"
#include "dom0-tools/control/socket_path.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <span>
#include <string_view>

namespace hospes::cli {

using nlohmann::json;

namespace {

// What has arrived of an answer, as far as it fits; at least one byte.
Result<std::string_view> receive(int socket, std::span<char> buffer, int flags, std::string const& daemon) {
    for (;;) {
        auto const count = ::recv(socket, buffer.data(), buffer.size(), flags);
        if (count > 0) return std::string_view{buffer.data(), static_cast<std::size_t>(count)};
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno("read the answer of {}", daemon);
        return fail(ECONNRESET, "{} has ended before it answered; what it had begun is taken back when it starts again. See {}", daemon,
                    control::log_of(daemon));
    }
}

}  // namespace

Result<UniqueFd> connect_to(std::string const& path, std::string const& daemon) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket) return fail_errno("make a socket");
    if (::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof(address)) == 0) return socket;
    auto const why = Error::from_errno("connect");
    return fail(why.code(), "{} does not answer at {} ({}); start it, or see {}", daemon, path, why.message(), control::log_of(daemon));
}

Result<std::string> exchange_line(int socket, std::string const& line, std::string const& daemon) {
    auto const request = line + '\n';
    HV_TRY(write_all(socket, std::as_bytes(std::span{request}), daemon));
    std::string reply;
    std::array<char, 4096> buffer;
    while (!reply.ends_with('\n')) {
        // Looked at first: what follows the line (of a console) is not ours.
        auto const seen = HV_TRY(receive(socket, buffer, MSG_PEEK, daemon));
        auto const line_end = seen.find('\n');
        auto const wanted = line_end == std::string_view::npos ? seen.size() : line_end + 1;
        reply += HV_TRY(receive(socket, std::span{buffer}.first(wanted), 0, daemon));
    }
    reply.pop_back();
    return reply;
}

Result<json> ask_hospesd(json const& request) {
    auto const socket = HV_TRY(connect_to(control::kSocketPath, "hospesd"));
    auto const line = request.dump(-1, ' ', false, json::error_handler_t::replace);
    auto const reply = HV_TRY(exchange_line(socket.get(), line, "hospesd"));
    auto answer = json::parse(reply, nullptr, false);
    if (!answer.is_object()) return fail(EPROTO, "hospesd's answer is not understood: {}", reply.substr(0, 200));
    if (answer.value("ok", false)) return answer;
    return fail(answer.value("code", EIO), "{}", answer.value("error", std::string{"hospesd has failed without a reason"}));
}

}  // namespace hospes::cli
