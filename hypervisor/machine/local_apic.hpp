// SPDX-License-Identifier: Apache-2.0
// The processor's local interrupt controller (SDM vol. 3, chapter 11): memory-mapped, or in x2APIC mode.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

inline constexpr u32 kMostApicId = 254;  // that a memory-mapped APIC can send to

// Turns this pcpu's local APIC on with the spurious and error vectors set, all else masked, and the legacy 8259s off (boot pcpu). The mode
// is the one the firmware has left the boot pcpu in, or x2APIC where that is needed and there.
void init_local_apic(bool is_boot_pcpu, bool needs_x2apic);

// Has `target` a number that this mode can name?
bool can_reach(ApicId target);

ApicId local_apic_id();
void end_of_interrupt();

// Sends `vector` to another pcpu.
void send_ipi(ApicId target, Vector vector);

// Starting another processor: INIT, and the start-up IPI with the page number of its first code (below 0x100).
void send_init(ApicId target);
void send_start_up(ApicId target, u8 page);

// The one-shot timer: interrupts with kTimerVector after `ticks` of its (divided) clock. 0 stops it.
void start_apic_timer(u32 ticks);
u32 apic_timer_left();

}  // namespace hospes
