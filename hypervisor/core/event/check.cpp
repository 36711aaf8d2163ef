// SPDX-License-Identifier: Apache-2.0
// The invariants of event channels, looked at from outside (tests, debug keys). Nothing else may run meanwhile.
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/virq.hpp"

namespace hospes {

void EventChannels::check_port(EventPort number, Port const& port) const {
    HV_ASSERT((port.state == PortState::interdomain) == (port.remote != nullptr));
    if (port.state == PortState::interdomain) {
        Port const* const peer = port.remote->events.find(EventPort{port.number});
        HV_ASSERT(peer != nullptr && peer->state == PortState::interdomain);
        HV_ASSERT(peer->remote == &domain_ && peer->number == number.raw());
    }
    if (port.state == PortState::virq) {
        VcpuId const holder = has_fixed_vcpu(port) ? VcpuId{port.vcpu.load()} : VcpuId{0};
        HV_ASSERT(domain_.vcpu(holder) != nullptr && domain_.vcpu(holder)->virq_ports[port.number] == number);
    }
    if (port.state == PortState::free) HV_ASSERT(first_free_ <= number.raw());
}

void EventChannels::check() {
    for (u32 number = 1; number <= highest_; ++number)
        if (Port const* const port = find(EventPort{number}); port != nullptr) check_port(EventPort{number}, *port);
    for (u32 id = 0; id < domain_.max_vcpus; ++id) {
        for (u32 virq = 0; domain_.vcpus[id] != nullptr && virq < kPerVcpuVirqs; ++virq) {
            EventPort const bound = domain_.vcpus[id]->virq_ports[virq];
            if (bound == EventPort{}) continue;
            Port const* const port = find(bound);
            HV_ASSERT(port != nullptr && port->state == PortState::virq && port->number == virq);
        }
    }
}

}  // namespace hospes
