// SPDX-License-Identifier: Apache-2.0
// A client on a store ring: a domain, or the control domain's own kernel.
#pragma once

#include "dom0-tools/base/event_loop.hpp"
#include "dom0-tools/ports/event_channel.hpp"
#include "xenstore/transport/guest_ring.hpp"
#include "xenstore/transport/receiver.hpp"

#include <array>

namespace hospes::xenstore {

// The page of a ring, mapped as long as this lives.
class RingPage {
public:
    virtual ~RingPage() = default;
    virtual xenstore_domain_interface& page() = 0;
};

class RingTransport final : public DomainLink {
public:
    struct Environment {
        EventChannelDevice& channels;
        EventLoop& loop;
        FlushList& flushes;
        std::function<void()> after_turn;  // called at the end of each turn in which the domain was served
    };
    RingTransport(DomId domain, std::unique_ptr<RingPage> page, Receiver& receiver, Environment environment);
    ~RingTransport() override;

    Status connect(EventPort port) override;
    void flush() override;

private:
    void on_event();
    void start_afresh();
    void notify();
    void serve();
    bool take_request();
    bool send_answers();
    void stop(RingFault fault);

    DomId domain_;
    std::unique_ptr<RingPage> page_;
    GuestRing ring_;
    Receiver& receiver_;
    Environment environment_;
    BoundPort port_;
    NextTurn next_turn_;
    std::array<char, kHeaderSize + kPayloadMax> input_;  // the request that is coming in
    usize received_ = 0;
    // Not served until it is introduced again, or, with a port, connects again: the domain broke the protocol, or lost its port.
    bool is_stopped_ = false;
    bool is_told_ = false;  // that it was stopped
};

}  // namespace hospes::xenstore
