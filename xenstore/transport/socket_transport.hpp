// SPDX-License-Identifier: Apache-2.0
// A client on the unix socket. An answer goes to the kernel with the call that waits for the next request.
#pragma once

#include "dom0-tools/base/completion_ring.hpp"
#include "dom0-tools/base/unique_fd.hpp"
#include "xenstore/transport/receiver.hpp"

#include <sys/types.h>

namespace hospes::xenstore {

class SocketTransport final : public Transport {
public:
    // `on_lost` is called once, with the reason, when the client has gone or breaks the protocol; whoever gets it destroys this object,
    // but not before the call has returned. `after_turn` is called at the end of each turn in which something happened.
    struct Callbacks {
        std::function<void(std::string_view reason)> on_lost;
        std::function<void()> after_turn;
    };
    // Takes over a connected socket and starts to listen to the client.
    SocketTransport(CompletionRing& ring, UniqueFd socket, Receiver& receiver, FlushList& flushes, Callbacks callbacks);
    ~SocketTransport() override;

    void flush() override;

private:
    class Receive;
    class Send;

    void on_received(std::string_view bytes, int error, std::unique_ptr<RingOperation> self);
    void on_sent(usize left, int error);
    void take_messages();
    void give_up();
    void lose(std::string_view reason);
    void listen_as_needed();

    UniqueFd socket_;
    Receiver& receiver_;
    FlushList& flushes_;
    Callbacks callbacks_;
    std::string input_;                      // received and not yet taken
    std::unique_ptr<RingOperation> listen_;  // null while it is under way
    usize unsent_ = 0;                       // bytes of the sending that is under way
    bool is_lost_ = false;
    RingOperations operations_;
};

// Opens the listening socket at `path` with mode 0600, in place of a stale one. EADDRINUSE: somebody listens there.
Result<UniqueFd> listen_at(std::string const& path);
// Accepts a waiting client; an error if there is none.
Result<UniqueFd> accept_client(UniqueFd const& listener);
// Which process has connected; 0 if it cannot be told.
pid_t process_of(UniqueFd const& client);

}  // namespace hospes::xenstore
