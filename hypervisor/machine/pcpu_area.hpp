// SPDX-License-Identifier: Apache-2.0
// The part of the address space that differs by pcpu: SYSCALL trampoline and its data, TSS, and the windows through which the processor
// sees the current vcpu's GDT and LDT.
#pragma once

#include "hypervisor/base/strong.hpp"
#include "hypervisor/machine/pcpu.hpp"

namespace hospes {

class Vcpu;

// Builds the area of `pcpu` in `pages` (2^kAreaPagesOrder of them, zeroed, for good) and fills trampoline data, TSS and reserved descriptors.
inline constexpr unsigned kAreaPagesOrder = 3;
void build_pcpu_area(Pcpu& pcpu, void* pages);
// For the boot pcpu: in static memory.
void build_boot_pcpu_area(Pcpu& pcpu);

// The L4 entry (slot kPcpuAreaSlot) that every root must carry.
inline constexpr unsigned kPcpuAreaSlot = 258;
u64 pcpu_area_root_entry();

u64 pcpu_area_base(PcpuId id);

// Point the windows of `pcpu` at the vcpu's frames (null: at none). Translations of before must be flushed by the caller.
void write_gdt_window(Pcpu& pcpu, Vcpu const* vcpu);
void write_ldt_window(Pcpu& pcpu, Vcpu const* vcpu);
// Writes the LDT descriptor for the current window and loads LDTR (0 entries: null).
void load_ldt_register(Pcpu& pcpu, u32 entries);

// Where a static object of the core lies in machine memory.
MachineAddress machine_address_of(void const* object);

}  // namespace hospes
