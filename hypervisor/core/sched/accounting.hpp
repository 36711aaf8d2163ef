// SPDX-License-Identifier: Apache-2.0
// What a vcpu has used, and what it may: virtual time, run states, the budgets of capped domains. All under the lock of its run queue.
#pragma once

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/sched/run_queue.hpp"

namespace hospes {

// Wants the processor: neither waits nor is held back.
bool can_run(Vcpu const& vcpu);
// The state of one that cannot run.
RunState resting_state(Vcpu const& vcpu);
void set_state(Vcpu& vcpu, RunState state, Nanoseconds now);

// What other pcpus see of the queue's clock; they go on from there by the weight in it.
void publish_clock(RunQueue& queue, Nanoseconds now);
// `vcpu` has run until `now`.
void charge(RunQueue& queue, Vcpu& vcpu, Nanoseconds now);
// One that comes back has saved up no more than kWakeCredit; but enough to preempt one that has moved here and catches up.
void limit_credit(RunQueue& queue, Vcpu& vcpu, Nanoseconds now);
// How long a vcpu of the capped domain may run on, when all that run now use the budget up together.
Nanoseconds allowance(Domain& domain, Nanoseconds now);

}  // namespace hospes
