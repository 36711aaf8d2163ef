// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/hot_plug.hpp"

#include "hypervisor/abi/xen.hpp"
#include "hypervisor/core/event/virq.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/time/timers.hpp"
#include "hypervisor/ports/processors.hpp"

namespace hospes {

// First the scheduler gives it nothing any more and moves what waits there; then what runs there leaves (the caller, perhaps: it goes on
// elsewhere); then its timers move; then it parks.
Status take_pcpu_offline(System& system, u32 number) {
    if (number >= known_pcpus()) return Errno::invalid;
    if (number == 0) return Errno::busy;
    PcpuId const pcpu{number};
    if (!facts_of(pcpu).is_online) {
        send_global_virq(system, Virq{VIRQ_PCPU_STATE});
        return {};
    }
    system.scheduler.remove_pcpu(pcpu);
    if (pcpu == this_pcpu_id() || !system.scheduler.is_vacant(pcpu)) return Errno::restart;
    take_timers_over(system, pcpu);
    ask_to_park(pcpu);
    return Errno::restart;
}

Status bring_pcpu_online(System& system, u32 number) {
    if (number >= known_pcpus()) return Errno::invalid;
    PcpuId const pcpu{number};
    ask_to_return(pcpu);
    if (!facts_of(pcpu).is_online) return Errno::restart;
    send_global_virq(system, Virq{VIRQ_PCPU_STATE});
    return {};
}

}  // namespace hospes
