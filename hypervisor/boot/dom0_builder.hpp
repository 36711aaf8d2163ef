// SPDX-License-Identifier: Apache-2.0
// Builds the control domain: its memory, the kernel in it, initial page tables, start_info, one vcpu.
#pragma once

#include "hypervisor/abi/handoff.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

class Domain;

// Panics with a clear message when it cannot be done: without dom0 there is nothing to run. The domain is left paused.
Domain& build_dom0(System& system, Handoff const& handoff);

}  // namespace hospes
