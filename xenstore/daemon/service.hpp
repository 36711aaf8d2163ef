// SPDX-License-Identifier: Apache-2.0
// The server at work: its clients on the socket, its turns on the event loop.
#pragma once

#include "xenstore/daemon/server.hpp"
#include "xenstore/transport/socket_transport.hpp"

#include <map>
#include <vector>

namespace hospes::xenstore {

class Service {
public:
    // All outlive the service; the ring is the loop's.
    Service(EventLoop& loop, CompletionRing& ring, Server& server, FlushList& flushes) : loop_{loop}, ring_{ring}, server_{server}, flushes_{flushes} {}

    // Serves whoever connects to this socket; all of them are privileged.
    Status listen(UniqueFd listener);

    // To be called at the end of each turn in which the server was called: sends what came up.
    void end_turn();

private:
    void accept_all();
    void serve(UniqueFd socket);
    void drop(ConnectionId id, std::string_view reason);

    EventLoop& loop_;
    CompletionRing& ring_;
    Server& server_;
    FlushList& flushes_;
    UniqueFd listener_;
    FdWatch listener_watch_;
    std::map<ConnectionId, std::unique_ptr<SocketTransport>> clients_;
    std::vector<ConnectionId> dropped_;  // gone, but maybe still on the stack: destroyed at the end of the turn
};

}  // namespace hospes::xenstore
