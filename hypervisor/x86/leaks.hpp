// SPDX-License-Identifier: Apache-2.0
// Processors that leak. Meltdown (rogue data cache load) and L1TF: user code reads memory it has no rights to; a paravirtualized guest has
// the core's tables below it, so there it could read all memory. XSA-52: what the x87 unit did last outlives a change of its registers.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

inline constexpr u32 kIntelEbx = 0x756e'6547;  // "Genu" of CPUID leaf 0
inline constexpr u64 kRdclNo = u64{1} << 0;    // IA32_ARCH_CAPABILITIES: neither of the two

// `arch_capabilities`: 0 when the processor has no such register. Intel's own word counts; others never had these two.
constexpr bool leaks_all_memory(u32 vendor_ebx, u64 arch_capabilities) { return vendor_ebx == kIntelEbx && (arch_capabilities & kRdclNo) == 0; }

inline constexpr u32 kAmdEbx = 0x6874'7541;          // "Auth" of CPUID leaf 0
inline constexpr u32 kHygonEbx = 0x6f67'7948;        // "Hygo"
inline constexpr u32 kRestoresX87Pointers = 1u << 2;  // RstrFpErrPtrs: CPUID leaf 0x8000'0008, EBX

// FXRSTOR and XRSTOR leave the x87 instruction and data pointers as they are while no x87 exception is pending (APM vol. 2, chapter 11).
// `capacity_ebx`: EBX of that leaf, 0 when there is none.
constexpr bool keeps_x87_pointers(u32 vendor_ebx, u32 capacity_ebx) {
    return (vendor_ebx == kAmdEbx || vendor_ebx == kHygonEbx) && (capacity_ebx & kRestoresX87Pointers) == 0;
}

}  // namespace hospes
