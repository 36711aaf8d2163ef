// SPDX-License-Identifier: Apache-2.0
// What this machine's processors can do, found out once at boot.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

struct CpuFeatures {
    bool xsave = false;
    bool smep = false;
    bool smap = false;  // present and not spoilt by an emulator (below)
    bool rdtscp = false;
    bool keeps_x87_pointers = false;  // x86/leaks.hpp
    u64 xcr0 = 0;  // components the core switches: what a guest may turn on
    u32 tsc_khz_by_cpuid = 0;  // 0: the processor does not tell
};

extern constinit CpuFeatures cpu_features;

// Fills cpu_features. SMAP counts as absent on a hypervisor of the TCG kind (its leaf 0x40000000 says so): QEMU's IRET reads the
// stack with supervisor rights at CPL 3, which kills a PV kernel. Options: smep=off, smap=off, smap=on (under TCG too).
void detect_cpu_features();

}  // namespace hospes
