// SPDX-License-Identifier: Apache-2.0
// Makes the processor the core's own: descriptor tables, traps, system-call entry, control registers.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

// The very first thing on the boot pcpu, on any page tables that hold the core and the direct map (frame_window_base is set). Puts the
// pcpu areas into the tables in CR3; then traps, log and panic work.
void init_boot_cpu();

// Takes `root` (which carries the core's slots, pcpu_area_root_entry() among them) as the tables of idle pcpus, and loads it.
void adopt_core_root(Mfn root);

// The same for a processor that has been started on the core's slots, on its own stack: tables, traps, local APIC and timer. Then it is online.
struct Pcpu;
void init_started_cpu(Pcpu& pcpu);

// Local APIC, clock and timer of the boot pcpu. After it system_time() runs and program_timer() works.
void init_boot_time();

}  // namespace hospes
