// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/cpu_features.hpp"

#include "hypervisor/core/command_line.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/x86/leaks.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {

constinit CpuFeatures cpu_features{};

namespace {

constexpr u32 kSavedAreaLimit = kPageSize;  // PvState::fpu_area is one page

// The state components that fit into one page in the standard layout.
u64 switchable_components() {
    CpuidResult const sizes = native_cpuid(0xd, 0);
    u64 const offered = u64{sizes.edx} << 32 | sizes.eax;
    u64 chosen = offered & (kXcr0X87 | kXcr0Sse | kXcr0Avx);
    if ((offered & kXcr0Avx512) != kXcr0Avx512 || (chosen & kXcr0Avx) == 0) return chosen;
    for (u32 component = 5; component <= 7; ++component) {
        CpuidResult const place = native_cpuid(0xd, component);
        if (place.eax + place.ebx > kSavedAreaLimit) return chosen;
    }
    return chosen | kXcr0Avx512;
}

bool runs_under_tcg() {
    constexpr u32 kTcgT = 0x5447'4354;  // "TCGT" of "TCGTCGTCGTCG"
    if ((native_cpuid(1, 0).ecx >> 31) == 0) return false;
    return native_cpuid(0x4000'0000, 0).ebx == kTcgT;
}

u32 tsc_khz_by_cpuid(u32 max_leaf) {
    if (max_leaf < 0x15) return 0;
    CpuidResult const ratio = native_cpuid(0x15, 0);
    if (ratio.eax == 0 || ratio.ebx == 0 || ratio.ecx == 0) return 0;
    return static_cast<u32>(u64{ratio.ecx} * ratio.ebx / ratio.eax / 1000);
}

}  // namespace

void detect_cpu_features() {
    u32 const max_leaf = native_cpuid(0, 0).eax;
    u32 const ecx1 = native_cpuid(1, 0).ecx;
    u32 const ebx7 = max_leaf >= 7 ? native_cpuid(7, 0).ebx : 0;
    cpu_features.xsave = (ecx1 >> 26 & 1) != 0 && max_leaf >= 0xd;
    cpu_features.smep = (ebx7 >> 7 & 1) != 0 && option_value("smep") != "off";
    bool const is_smap_wanted = option_value("smap") == "on" || (option_value("smap") != "off" && !runs_under_tcg());
    cpu_features.smap = (ebx7 >> 20 & 1) != 0 && is_smap_wanted;
    cpu_features.rdtscp = (native_cpuid(0x8000'0001, 0).edx >> 27 & 1) != 0;
    u32 const capacity_ebx = native_cpuid(0x8000'0000, 0).eax >= 0x8000'0008 ? native_cpuid(0x8000'0008, 0).ebx : 0;
    cpu_features.keeps_x87_pointers = keeps_x87_pointers(native_cpuid(0, 0).ebx, capacity_ebx);
    cpu_features.xcr0 = cpu_features.xsave ? switchable_components() : kXcr0X87 | kXcr0Sse;
    cpu_features.tsc_khz_by_cpuid = tsc_khz_by_cpuid(max_leaf);
}

}  // namespace hospes
