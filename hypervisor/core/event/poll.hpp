// SPDX-License-Identifier: Apache-2.0
// SCHEDOP_poll: a vcpu sleeps until one of some ports is pending (masked ones count), or an event is deliverable.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/core/domain/vcpu.hpp"

#include <span>

namespace hospes {

// From now on an event on one of `ports` wakes `vcpu`. True: nothing is pending yet, block it now (a time-out ends by end_poll and
// Scheduler::wake). False: something is pending, do not sleep. Errno::invalid: no such port.
Result<bool> start_poll(Vcpu& vcpu, std::span<EventPort const> ports);

// The vcpu polls no longer; harmless if it does not. True if it did.
bool end_poll(Vcpu& vcpu);

// `port` of `domain` has become pending.
void wake_pollers(Domain& domain, EventPort port);

}  // namespace hospes
