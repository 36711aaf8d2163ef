// SPDX-License-Identifier: Apache-2.0
// Processors on which user code reads memory it has no rights to: Meltdown (rogue data cache load) and L1TF. A paravirtualized guest has
// the core's tables below it, so there it could read all memory.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

inline constexpr u32 kIntelEbx = 0x756e'6547;  // "Genu" of CPUID leaf 0
inline constexpr u64 kRdclNo = u64{1} << 0;    // IA32_ARCH_CAPABILITIES: neither of the two

// `arch_capabilities`: 0 when the processor has no such register. Intel's own word counts; others never had these two.
constexpr bool leaks_all_memory(u32 vendor_ebx, u64 arch_capabilities) { return vendor_ebx == kIntelEbx && (arch_capabilities & kRdclNo) == 0; }

}  // namespace hospes
