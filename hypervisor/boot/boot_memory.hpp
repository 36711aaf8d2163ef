// SPDX-License-Identifier: Apache-2.0
// From the firmware's memory map to a frame table, a machine-to-physical table and a heap.
#pragma once

#include "hypervisor/abi/handoff.hpp"
#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

// Builds the tables for all RAM in the hand-off and gives what is free to the heap; also the map dom0 will ask for.
// Memory the loader uses stays out until free_loader_memory().
void init_memory(System& system, Handoff const& handoff);

// `pages` unused frames below 640 KiB, where other processors can start; an invalid frame if there are none.
Mfn find_low_memory(Handoff const& handoff, u64 pages);

// The L4 slots every guest root carries, from the tables the core runs on, now complete. The loader's way in is dropped.
void init_hypervisor_slots();

// Gives the hand-off back, and of dom0's kernel image and ramdisk what has not become dom0's, once dom0 is built.
void free_loader_memory(System& system, Handoff const& handoff);

}  // namespace hospes
