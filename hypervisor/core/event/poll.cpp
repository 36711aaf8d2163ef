// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/poll.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

namespace {

constexpr EventPort kSeveralPorts{~u32{0}};

bool is_polling(Vcpu const& vcpu) { return __atomic_load_n(&vcpu.is_polling, __ATOMIC_SEQ_CST); }

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
    vcpu.polled_port = ports.size() == 1 ? ports[0] : kSeveralPorts;
    domain.events.pollers().fetch_add(1);
    __atomic_store_n(&vcpu.is_polling, true, __ATOMIC_SEQ_CST);

    Result<bool> const pending = is_any_pending(domain, ports);
    if (!pending.ok() || pending.value() || has_deliverable_event(vcpu)) {
        end_poll(vcpu);
        if (!pending.ok()) return pending.error();
        return false;
    }
    return is_polling(vcpu);
}

bool end_poll(Vcpu& vcpu) {
    if (!__atomic_exchange_n(&vcpu.is_polling, false, __ATOMIC_SEQ_CST)) return false;
    vcpu.domain().events.pollers().fetch_sub(1);
    return true;
}

void wake_pollers(Domain& domain, EventPort port) {
    if (domain.events.pollers().load() == 0) return;
    for (u32 id = 0; id < domain.max_vcpus; ++id) {
        Vcpu* const vcpu = domain.vcpus[id];
        if (vcpu == nullptr || !is_polling(*vcpu)) continue;
        if (vcpu->polled_port != port && vcpu->polled_port != kSeveralPorts) continue;
        if (end_poll(*vcpu)) domain.system().scheduler.wake(*vcpu);
    }
}

}  // namespace hospes
