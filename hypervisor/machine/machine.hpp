// SPDX-License-Identifier: Apache-2.0
// Bringing the boot processor and the devices the core needs into use.
#pragma once

#include "hypervisor/abi/handoff.hpp"

namespace hospes {

// Processor features, own descriptor tables and stacks, exception handling, serial line: after this a fault is reported.
void init_machine_early();

// What needs memory and a frame table: the L4 slots of guests, interrupt controllers, clock and timer.
void init_machine(Handoff const& handoff);

}  // namespace hospes
