// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/server.hpp"

#include <spdlog/spdlog.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace hospes::consoled {

Status Server::listen(std::string const& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(ENAMETOOLONG, "socket path {} is too long", path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    std::error_code problem;
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path(), problem);
    ::unlink(path.c_str());

    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener_) return fail_errno("make a socket");
    auto const old_mask = ::umask(0177);
    int const bound = ::bind(listener_.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address);
    int const code = errno;
    ::umask(old_mask);
    if (bound < 0) return std::unexpected{Error::from_errno("bind socket " + path, code)};
    if (::listen(listener_.get(), SOMAXCONN) < 0) return fail_errno("listen on {}", path);
    sweeper_ = loop_.make_timer([this] { sweep(); });
    listener_watch_ = HV_TRY(loop_.watch_fd(listener_.get(), {.readable = true}, [this](FdEvents) { accept(); }));
    return {};
}

void Server::accept() {
    UniqueFd fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!fd) return;
    auto& client = clients_.emplace_back();
    auto session = Session::start(loop_, std::move(fd), [this, &client](Session&) { on_request(client); },
                                  [this](Session&) { sweeper_.start({}); });
    if (!session) {
        spdlog::error("a client of the console socket: {}", session.error().message());
        clients_.pop_back();
        return;
    }
    client.session = std::move(*session);
}

void Server::on_request(Client& client) {
    auto const& name = client.session->request().domain;
    if (auto* const console = consoles_.find(name)) return client.session->attach(*console);
    if (!consoles_.may_come(name)) return client.session->refuse(fmt::format("there is no domain {}", name));
    client.is_waiting = true;
    client.patience = loop_.call_after(kPatience, [&client, name] {
        client.is_waiting = false;
        client.session->refuse(fmt::format("the console of domain {} is not there yet", name));
    });
}

void Server::serve_waiting() {
    for (auto& client : clients_) {
        if (!client.is_waiting) continue;
        auto* const console = consoles_.find(client.session->request().domain);
        if (console == nullptr) continue;
        client.is_waiting = false;
        client.patience.reset();
        client.session->attach(*console);
    }
}

void Server::sweep() {
    clients_.remove_if([](Client const& client) { return client.session->has_ended(); });
}

}  // namespace hospes::consoled
