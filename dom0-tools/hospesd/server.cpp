// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/hospesd/server.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace hospes::hospesd {
namespace {

constexpr std::size_t kLongestLine = 4 << 20;

}  // namespace

Status Server::listen(std::string const& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) return fail(ENAMETOOLONG, "the socket's path {} is too long", path);
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path(), error);
    std::filesystem::remove(path, error);
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener_) return fail_errno("make a socket");
    auto const old_mask = ::umask(0177);
    int const bound = ::bind(listener_.get(), reinterpret_cast<sockaddr const*>(&address), sizeof(address));
    ::umask(old_mask);
    if (bound != 0) return fail_errno("bind the socket {}", path);
    if (::listen(listener_.get(), SOMAXCONN) != 0) return fail_errno("listen on {}", path);
    listener_watch_ = HV_TRY(loop_.watch_fd(listener_.get(), {.readable = true}, [this](FdEvents) { accept(); }));
    return {};
}

void Server::accept() {
    UniqueFd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!socket) return;
    auto const connection = connections_.emplace(connections_.end());
    auto watch = loop_.watch_fd(socket.get(), {.readable = true}, [this, connection](FdEvents) { receive(connection); });
    if (!watch) {
        spdlog::error("a client cannot be served: {}", watch.error().message());
        connections_.erase(connection);
        return;
    }
    connection->socket = std::move(socket);
    connection->watch = *std::move(watch);
}

void Server::receive(std::list<Connection>::iterator connection) {
    std::array<char, 16384> buffer;
    auto const count = ::recv(connection->socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count > 0) connection->input.append(buffer.data(), static_cast<std::size_t>(count));
    if (count > 0 && answer_lines(*connection) && connection->input.size() < kLongestLine) return;
    connections_.erase(connection);
}

bool Server::answer_lines(Connection& connection) {
    for (auto end = connection.input.find('\n'); end != std::string::npos; end = connection.input.find('\n')) {
        auto const line = connection.input.substr(0, end);
        connection.input.erase(0, end + 1);
        auto const reply = answer_(line) + '\n';
        for (std::size_t sent = 0; sent < reply.size();) {
            // A client that does not read its answer loses it: nobody waits for it here.
            auto const count = ::send(connection.socket.get(), reply.data() + sent, reply.size() - sent,
                                      MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count < 0) return false;
            sent += static_cast<std::size_t>(count);
        }
    }
    return true;
}

}  // namespace hospes::hospesd
