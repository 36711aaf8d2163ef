// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/time/timers.hpp"

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/event/virq.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/clock.hpp"

#include <algorithm>

namespace hospes {
namespace {

constinit Nanoseconds earliest = Nanoseconds::never();

// `period` from `now` on; never when a clock would not get there.
Nanoseconds next_period(Nanoseconds now, Nanoseconds period) {
    Nanoseconds const next = now + period;
    return next < now ? Nanoseconds::never() : next;
}

void note_deadline(Vcpu& vcpu, Nanoseconds deadline) {
    if (deadline >= earliest) return;
    earliest = deadline;
    rearm_timer(vcpu.domain().system());
}

void run_timers_of(Vcpu& vcpu, Nanoseconds now) {
    if (vcpu.singleshot_deadline <= now) {
        vcpu.singleshot_deadline = Nanoseconds::never();
        send_vcpu_virq(vcpu, Virq{VIRQ_TIMER});
    }
    if (vcpu.periodic_next <= now) {
        vcpu.periodic_next = next_period(now, vcpu.periodic_period);
        send_vcpu_virq(vcpu, Virq{VIRQ_TIMER});
    }
    if (vcpu.poll_limit <= now) {
        vcpu.poll_limit = Nanoseconds::never();
        if (end_poll(vcpu)) vcpu.domain().system().scheduler.wake(vcpu);
    }
    earliest = std::min({earliest, vcpu.singleshot_deadline, vcpu.periodic_next, vcpu.poll_limit});
}

}  // namespace

void set_singleshot(Vcpu& vcpu, Nanoseconds deadline) {
    vcpu.singleshot_deadline = deadline;
    note_deadline(vcpu, deadline);
}

void set_periodic(Vcpu& vcpu, Nanoseconds period) {
    vcpu.periodic_period = period;
    vcpu.periodic_next = period.raw() == 0 ? Nanoseconds::never() : next_period(system_time(), period);
    note_deadline(vcpu, vcpu.periodic_next);
}

void set_poll_limit(Vcpu& vcpu, Nanoseconds deadline) {
    vcpu.poll_limit = deadline;
    note_deadline(vcpu, deadline);
}

void run_timers(System& system, Nanoseconds now) {
    if (now < earliest) return;
    earliest = Nanoseconds::never();
    for (Domain* domain = system.domains.first_from(DomId{0}); domain != nullptr;
         domain = system.domains.first_from(DomId{static_cast<u16>(domain->id().raw() + 1)})) {
        for (u32 i = 0; i < domain->max_vcpus; ++i) {
            if (domain->vcpus[i] != nullptr) run_timers_of(*domain->vcpus[i], now);
        }
    }
    rearm_timer(system);
}

Nanoseconds next_timer() { return earliest; }

void rearm_timer(System& system) { program_timer(std::min(earliest, system.scheduler.next_decision())); }

}  // namespace hospes
