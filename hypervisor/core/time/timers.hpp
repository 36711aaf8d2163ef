// SPDX-License-Identifier: Apache-2.0
// Timers of vcpus (single shot, periodic, the time limit of a poll) over the one timer of the pcpu.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

// VCPUOP_set_singleshot_timer / set_timer_op. A deadline in the past fires at once; never() stops it.
void set_singleshot(Vcpu& vcpu, Nanoseconds deadline);
void set_periodic(Vcpu& vcpu, Nanoseconds period);
void set_poll_limit(Vcpu& vcpu, Nanoseconds deadline);

// Sends VIRQ_TIMER for what is due, ends polls that waited long enough.
void run_timers(System& system, Nanoseconds now);
// The earliest deadline of all.
Nanoseconds next_timer();

// Arms the pcpu's timer for the next deadline of timers and scheduler.
void rearm_timer(System& system);

}  // namespace hospes
