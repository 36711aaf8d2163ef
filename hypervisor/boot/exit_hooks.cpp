// SPDX-License-Identifier: Apache-2.0
// What the way back to a guest asks of scheduler, timers and life cycle (machine/exit_hooks.hpp).
#include "hypervisor/machine/exit_hooks.hpp"

#include "hypervisor/boot/core.hpp"
#include "hypervisor/core/core_lock.hpp"
#include "hypervisor/core/debug/keys.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/event/virq.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/time/guest_time.hpp"
#include "hypervisor/core/time/timers.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/ipi.hpp"

namespace hospes {

void on_pcpu_online() {
    the_core().scheduler.add_pcpu(this_pcpu_id());
}

// Called only when the timer has fired or something has been flagged: an ordinary hypercall leaves without looking at the clock.
void run_pending_work() {
    System& system = the_core();
    Nanoseconds const now = system_time();
    run_timers(now);
    system.scheduler.note_time(this_pcpu_id(), now);
    rearm_timer(system);
    if (!system.domains.wants_reaping()) return;
    CoreGuard const guard;
    if (system.domains.take_reaping()) reap_dead_domains(system);
}

Vcpu* choose_vcpu(Vcpu* running) {
    System& system = the_core();
    PcpuId const pcpu = this_pcpu_id();
    if (!system.scheduler.wants_decision(pcpu)) return running;
    Vcpu* const next = system.scheduler.pick_next(pcpu, running, system_time());
    rearm_timer(system);
    return next;
}

bool has_work() {
    System const& system = the_core();
    return system.scheduler.wants_decision(this_pcpu_id()) || system.domains.wants_reaping();
}

void on_switched_in(Vcpu& vcpu) {
    (void)end_poll(vcpu);
    bring_timers_here(vcpu);
    write_time_info(vcpu);
    if (!vcpu.pv.in_kernel) return;  // the area is the guest kernel's, out of sight of its user mode: written when it comes back there
    vcpu.sched.has_news = false;
    (void)write_runstate_area(vcpu);  // a guest that unmaps it gets no news
}

void on_console_input() { send_global_virq(the_core(), Virq{VIRQ_CONSOLE}); }

void on_debug_key(char key) {
    CoreGuard const guard;
    handle_debug_key(the_core(), key);
}

}  // namespace hospes
