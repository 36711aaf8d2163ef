// SPDX-License-Identifier: Apache-2.0
// The invariants of event channels, looked at from outside. An end of an interdomain channel changes only under both domains' locks, so
// our own keeps the other end still.
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/virq.hpp"

namespace hospes {

char const* EventChannels::fault_of(EventPort number, Port const& port) const {
    if ((port.state == PortState::interdomain) != (port.remote != nullptr)) return "a port has a remote domain, or none, against its state";
    if (port.state == PortState::interdomain) {
        Port const* const peer = port.remote->events.find(EventPort{port.number});
        if (peer == nullptr || peer->state != PortState::interdomain) return "an interdomain port has no other end";
        if (peer->remote != &domain_ || peer->number != number.raw()) return "the other end of an interdomain port leads elsewhere";
    }
    if (port.state == PortState::virq) {
        Vcpu* const holder = domain_.vcpu(has_fixed_vcpu(port) ? VcpuId{port.vcpu.load()} : VcpuId{0});
        if (holder == nullptr || port.number >= kPerVcpuVirqs || holder->virq_ports[port.number] != number) return "a virq's port is not its vcpu's";
    }
    if (port.state == PortState::free && first_free_ > number.raw()) return "a free port will not be found";
    if (port.state != PortState::free && next_to_close_ > number.raw()) return "a port in use will not be closed";
    return nullptr;
}

std::array<u32, 7> EventChannels::count_states() {
    LockGuard const guard{lock_};
    std::array<u32, 7> count{};
    for (u32 number = 1; number <= highest_; ++number) {
        Port const* const port = find(EventPort{number});
        if (port != nullptr) ++count[static_cast<unsigned>(port->state)];
    }
    return count;
}

char const* EventChannels::find_fault() {
    LockGuard const guard{lock_};
    for (u32 number = 1; number <= highest_; ++number) {
        Port const* const port = find(EventPort{number});
        char const* const fault = port == nullptr ? nullptr : fault_of(EventPort{number}, *port);
        if (fault != nullptr) return fault;
    }
    for (u32 id = 0; id < domain_.max_vcpus; ++id) {
        for (u32 virq = 0; domain_.vcpus[id] != nullptr && virq < kPerVcpuVirqs; ++virq) {
            EventPort const bound = domain_.vcpus[id]->virq_ports[virq];
            if (bound == EventPort{}) continue;
            Port const* const port = find(bound);
            if (port == nullptr || port->state != PortState::virq || port->number != virq) return "a vcpu's virq leads to a port that is not bound to it";
        }
    }
    return nullptr;
}

}  // namespace hospes
