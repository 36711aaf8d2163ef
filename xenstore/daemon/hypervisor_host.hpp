// SPDX-License-Identifier: Apache-2.0
// The server's world on a hypervisor: domains from Privcmd, rings by grant 1 of each domain, VIRQ_DOM_EXC when one has
// shut down or is gone.
#pragma once

#include "dom0-tools/ports/event_channel.hpp"
#include "dom0-tools/ports/grant.hpp"
#include "dom0-tools/ports/privcmd.hpp"
#include "xenstore/daemon/domains.hpp"
#include "xenstore/transport/ring_transport.hpp"

namespace hospes::xenstore {

class HypervisorHost final : public DomainHost {
public:
    struct Devices {
        EventChannelDevice& channels;
        GrantDevice& grants;
        Privcmd& privcmd;
    };
    // All outlive this.
    HypervisorHost(Devices devices, EventLoop& loop, FlushList& flushes) : devices_{devices}, loop_{loop}, flushes_{flushes} {}

    // Called at the end of each turn in which a ring was served. To be set before the first link is opened.
    std::function<void()> after_turn;

    // Calls `on_change` when a domain has shut down or is gone.
    Status watch_domains(std::function<void()> on_change);

    std::optional<DomainState> state_of(DomId domain) override;
    // The control domain's ring is what its kernel shows in /proc/xen.
    Result<std::unique_ptr<DomainLink>> open_link(DomId domain, Receiver& receiver) override;

private:
    Result<std::unique_ptr<RingPage>> map_ring(DomId domain);

    Devices devices_;
    EventLoop& loop_;
    FlushList& flushes_;
    BoundPort domain_exception_;
};

// The port that the control domain's kernel left for xenstored, from /proc/xen/xsd_port.
Result<EventPort> control_domain_port();

}  // namespace hospes::xenstore
