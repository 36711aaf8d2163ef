// SPDX-License-Identifier: Apache-2.0
// Timers of vcpus (single shot, periodic, the time limit of a poll) over the timer of each pcpu. A vcpu's are kept with the pcpu it ran on
// last, which it alone then touches: set and fired without another pcpu's help.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

// VCPUOP_set_singleshot_timer / set_timer_op. A deadline in the past fires at once; never() stops it.
void set_singleshot(Vcpu& vcpu, Nanoseconds deadline);
void set_periodic(Vcpu& vcpu, Nanoseconds period);
void set_poll_limit(Vcpu& vcpu, Nanoseconds deadline);

// For a vcpu that goes away: nothing fires any more once this has returned.
void stop_timers(Vcpu& vcpu);

// The vcpu runs on this pcpu from now on, and so do its timers.
void bring_timers_here(Vcpu& vcpu);

// The timers kept with pcpu `from`, which runs no vcpu and goes offline, are kept with this one.
void take_timers_over(System& system, PcpuId from);

// Sends VIRQ_TIMER for what is due on this pcpu, ends polls that waited long enough. The caller then asks for rearm_timer().
void run_timers(Nanoseconds now);
// The earliest deadline on this pcpu.
Nanoseconds next_timer();

// Arms this pcpu's timer for the next deadline of timers and scheduler.
void rearm_timer(System& system);

}  // namespace hospes
