// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transport/socket_transport.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace hospes::xenstore {

namespace {

Result<sockaddr_un> address_of(std::string const& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(ENAMETOOLONG, "socket {}: the path is too long", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

UniqueFd make_socket(int flags) { return UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)}; }

bool somebody_listens(sockaddr_un const& address) {
    auto const probe = make_socket(0);
    return probe && ::connect(probe.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
}

}  // namespace

Result<UniqueFd> listen_at(std::string const& path) {
    auto const address = HV_TRY(address_of(path));
    if (somebody_listens(address)) return fail(EADDRINUSE, "socket {}: another xenstored listens there", path);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove the stale socket {}", path);
    auto listener = make_socket(SOCK_NONBLOCK);
    if (!listener) return fail_errno("socket {}", path);
    auto const old_mask = ::umask(0177);  // only root may connect: whoever connects is privileged
    int const bound = ::bind(listener.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address);
    ::umask(old_mask);
    if (bound != 0) return fail_errno("socket {}", path);
    if (::listen(listener.get(), SOMAXCONN) != 0) return fail_errno("listen at {}", path);
    return listener;
}

Result<UniqueFd> accept_client(UniqueFd const& listener) {
    UniqueFd client{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!client) return fail_errno("accept a client");
    return client;
}

pid_t process_of(UniqueFd const& client) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    return ::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? credentials.pid : 0;
}

}  // namespace hospes::xenstore
