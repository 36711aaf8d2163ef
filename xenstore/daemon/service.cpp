// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/service.hpp"

#include <spdlog/spdlog.h>

namespace hospes::xenstore {

Status Service::listen(UniqueFd listener) {
    listener_ = std::move(listener);
    listener_watch_ = HV_TRY(loop_.watch_fd(listener_.get(), {.readable = true}, [this](FdEvents) { accept_all(); }));
    return {};
}

void Service::accept_all() {
    while (true) {
        auto socket = accept_client(listener_);
        if (!socket) {
            if (socket.error().code() != EAGAIN) spdlog::warn("{}", socket.error().message());
            return;
        }
        serve(std::move(*socket));
    }
}

void Service::serve(UniqueFd socket) {
    auto name = fmt::format("socket {} of process {}", socket.get(), process_of(socket));
    auto& connection = server_.add_connection({.domain = kDomIdDom0, .target = {}, .is_privileged = true}, std::move(name));
    auto const id = connection.id();
    SocketTransport::Callbacks callbacks{.on_lost = [this, id](std::string_view reason) { drop(id, reason); }, .after_turn = [this] { end_turn(); }};
    auto& client = clients_[id];
    client = std::make_unique<SocketTransport>(ring_, std::move(socket), connection, flushes_, std::move(callbacks));
}

void Service::drop(ConnectionId id, std::string_view reason) {
    spdlog::debug("{}: {}", server_.connections().at(id)->name(), reason);
    dropped_.push_back(id);
}

void Service::end_turn() {
    flushes_.run();
    for (auto const id : std::exchange(dropped_, {})) {
        clients_.erase(id);
        server_.remove_connection(id);
    }
}

}  // namespace hospes::xenstore
