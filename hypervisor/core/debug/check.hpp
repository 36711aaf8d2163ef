// SPDX-License-Identifier: Apache-2.0
// The invariant checker of the running core: recounts owners, types and references of all frames, and looks over grants, ports and run
// queues. The caller holds the core lock. Every difference is counted, and the first ones of a step are told in the log.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/core/debug/findings.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

// A check of the whole machine is this many steps. Each is whole in itself, so guests may run between any two.
u32 check_steps(System const& system);

// Errno::invalid: no such step; Errno::no_memory: its counters need up to 2 MiB in one piece.
Result<Findings> run_check_step(System& system, u32 step);

// All steps, and the verdict in the log.
Status check_everything(System& system);

}  // namespace hospes
