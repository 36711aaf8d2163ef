// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/poll.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

namespace {

constexpr EventPort kSeveralPorts{~u32{0}};

Result<bool> is_any_pending(Domain& domain, std::span<EventPort const> ports) {
    for (EventPort const port : ports) {
        bool const pending = HV_TRY(domain.events.is_pending(port));
        if (pending) return true;
    }
    return false;
}

}  // namespace

// The vcpu is known as polling before the ports are looked at: a sender sets its port first and then looks for pollers.
Result<bool> start_poll(Vcpu& vcpu, std::span<EventPort const> ports) {
    Domain& domain = vcpu.domain();
    end_poll(vcpu);
    vcpu.polled_port.store(ports.size() == 1 ? ports[0] : kSeveralPorts, std::memory_order_relaxed);
    domain.events.pollers().fetch_add(1);
    vcpu.is_polling.store(true);

    Result<bool> const pending = is_any_pending(domain, ports);
    if (!pending.ok() || pending.value() || has_deliverable_event(vcpu)) {
        end_poll(vcpu);
        if (!pending.ok()) return pending.error();
        return false;
    }
    return vcpu.is_polling.load();
}

bool end_poll(Vcpu& vcpu) {
    if (!vcpu.is_polling.exchange(false)) return false;
    vcpu.domain().events.pollers().fetch_sub(1);
    return true;
}

namespace {

[[gnu::noinline]] void wake_those_that_poll(Domain& domain, EventPort port) {
    for (u32 id = 0; id < domain.max_vcpus; ++id) {
        Vcpu* const vcpu = domain.vcpus[id];
        if (vcpu == nullptr || !vcpu->is_polling.load()) continue;
        EventPort const polled = vcpu->polled_port.load(std::memory_order_relaxed);  // of a later poll, perhaps: it wakes up in vain
        if (polled != port && polled != kSeveralPorts) continue;
        if (end_poll(*vcpu)) domain.system().scheduler.wake(*vcpu);
    }
}

}  // namespace

void wake_pollers(Domain& domain, EventPort port) {
    if (domain.events.pollers().load() != 0) wake_those_that_poll(domain, port);
}

}  // namespace hospes
