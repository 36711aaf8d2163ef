// SPDX-License-Identifier: Apache-2.0
// What a PV guest is told by CPUID (the forced form: ud2, "xen", cpuid). Its user space executes the instruction itself and sees the
// processor, so hiding here is for the guest's benefit, not for safety.
#pragma once

#include "hypervisor/ports/guest_cpu.hpp"

namespace hospes {

inline constexpr u32 kXenVersion = 4u << 16 | 17;
inline constexpr u32 kHypervisorLeaf = 0x4000'0000;
inline constexpr u32 kLastHypervisorLeaf = kHypervisorLeaf + 5;

// For whom the answer is.
struct CpuidContext {
    u32 vcpu = 0;
    u64 xcr0 = 1;  // as the guest has set it
};

CpuidResult guest_cpuid(CpuidContext const& context, u32 leaf, u32 subleaf);

}  // namespace hospes
