// SPDX-License-Identifier: Apache-2.0
// The rings of one connected network frontend, and the tap behind them. Data is moved by grant copies, a batch at a time;
// no page of the domain is kept mapped but the rings.
#pragma once

#include "dom0-tools/base/event_loop.hpp"
#include "dom0-tools/netbackd/frame_store.hpp"
#include "dom0-tools/netbackd/tap.hpp"
#include "dom0-tools/ports/event_channel.hpp"
#include "dom0-tools/ports/grant.hpp"
#include "dom0-tools/wire/net_packet.hpp"

#include <functional>
#include <vector>

namespace hospes::netbackd {

class NetConnection {
public:
    struct Ports {
        EventLoop& loop;
        EventChannelDevice& events;
        GrantDevice& grants;
        FrameStore& frames;
    };

    struct Rings {
        GrantMapping tx;
        GrantMapping rx;
    };

    // `tap_fd` must outlive the connection. `largest_frame`: in bytes, what may come from the tap in one piece.
    NetConnection(Ports ports, DomId domain, Rings rings, int tap_fd, std::size_t largest_frame, std::function<void(Error const&)> failed);

    // Binds the event channel, looks at the rings and starts to read the tap.
    Status start(EventPort remote_port);

private:
    struct Outgoing {  // from the domain
        wire::TxPacket packet;
        std::span<std::byte> frame;
        std::size_t first_piece = 0;
        std::size_t piece_count = 0;
    };
    struct Incoming {  // to the domain
        wire::NetFlags flags;
        std::span<std::byte> frame;
        std::size_t first_request = 0;
        std::size_t request_count = 0;
        std::size_t first_piece = 0;
        std::size_t piece_count = 0;
    };

    void on_port();
    void serve();
    bool take_tx_batch();
    void send_tx_batch();
    std::int16_t send(Outgoing const& outgoing);
    void on_tap(FdEvents events);
    void serve_rx(std::size_t expected);
    bool has_batch_room(std::size_t expected) const;
    bool take_rx_batch(std::size_t expected);
    bool has_rx_room();
    void plan_rx(wire::NetFlags const& flags, std::span<std::byte> frame);
    void deliver_rx_batch();
    bool pieces_arrived(std::size_t first, std::size_t count) const;
    void watch_tap(bool wanted);
    void notify_if_wanted();
    void fail(Error const& error);

    Ports ports_;
    DomId domain_;
    Rings pages_;
    wire::NetTxRing tx_;
    wire::NetRxRing rx_;
    int tap_fd_;
    std::uint32_t largest_slots_;
    std::function<void(Error const&)> failed_;
    BoundPort port_;
    FdWatch tap_watch_;
    NextTurn again_;
    bool is_tap_watched_ = false;
    bool is_notification_wanted_ = false;  // responses were published that the domain waits for
    bool is_broken_ = false;

    // One batch; kept between calls.
    std::vector<GrantCopy> pieces_;
    std::vector<Outgoing> outgoing_;
    std::vector<Incoming> incoming_;
    std::vector<netif_rx_request_t> rx_requests_;
};

}  // namespace hospes::netbackd
