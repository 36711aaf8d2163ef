// SPDX-License-Identifier: Apache-2.0
// A client on the unix socket.
#pragma once

#include "dom0-tools/base/event_loop.hpp"
#include "dom0-tools/base/unique_fd.hpp"
#include "xenstore/transport/receiver.hpp"

namespace hospes::xenstore {

class SocketTransport final : public Transport {
public:
    // Takes over a connected, non-blocking socket. `on_lost` is called once, with the reason, when the client has gone or
    // breaks the protocol; whoever gets it destroys this object, but not before the call has returned.
    // `after_turn` is called at the end of each turn in which something was received.
    struct Callbacks {
        std::function<void(std::string_view reason)> on_lost;
        std::function<void()> after_turn;
    };
    SocketTransport(UniqueFd socket, Receiver& receiver, FlushList& flushes, Callbacks callbacks);
    ~SocketTransport() override;

    // Starts to listen to the client.
    Status start(EventLoop& loop);
    void flush() override;

private:
    void on_ready(FdEvents events);
    void read_some();
    void take_messages();
    void lose(std::string_view reason);
    void listen_as_needed();

    UniqueFd socket_;
    FdWatch watch_;
    Receiver& receiver_;
    FlushList& flushes_;
    Callbacks callbacks_;
    std::string input_;  // received and not yet taken
    FdEvents wanted_{.readable = true};
    bool is_lost_ = false;
};

// Opens the listening socket at `path` with mode 0600, in place of a stale one. EADDRINUSE: somebody listens there.
Result<UniqueFd> listen_at(std::string const& path);
// Accepts a waiting client; an error if there is none.
Result<UniqueFd> accept_client(UniqueFd const& listener);

}  // namespace hospes::xenstore
