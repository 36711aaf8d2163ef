// SPDX-License-Identifier: Apache-2.0
// Long operations ask here, between two bounded steps, whether to stop and come back by a continuation.
#pragma once

namespace hospes {

// True when this pcpu has something better to do: takes pending interrupts, then looks for an event or a waiting vcpu.
bool preempt_pending();

}  // namespace hospes
