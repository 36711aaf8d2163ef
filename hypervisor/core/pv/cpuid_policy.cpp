// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/cpuid_policy.hpp"

#include "hypervisor/ports/clock.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {
namespace {

template <typename... Bits>
constexpr u32 bits(Bits... positions) {
    return ((1u << positions) | ... | 0u);
}

constexpr u32 kMaxBasicLeaf = 0xd;
constexpr u32 kMaxExtendedLeaf = 0x8000'0021;

// Leaf 1, ECX: DTES64 MONITOR DS_CPL VMX SMX EST TM2 SDBG XTPR PDCM PCID DCA X2APIC TSC_DEADLINE OSXSAVE.
constexpr u32 kHidden1Ecx = bits(2, 3, 4, 5, 6, 7, 8, 11, 14, 15, 17, 18, 21, 24, 27);
constexpr u32 kXsave1Ecx = bits(26, 27);     // XSAVE and OSXSAVE: Linux wants both or neither
constexpr u32 kNeedXsave1Ecx = bits(12, 26, 28, 29);  // FMA XSAVE AVX F16C
constexpr u32 kHypervisor1Ecx = bits(31);
// Leaf 1, EDX: VME PSE SEP MTRR PGE PSE36 PSN DS ACPI SS HTT TM PBE.
constexpr u32 kHidden1Edx = bits(1, 3, 11, 12, 13, 17, 18, 21, 22, 27, 28, 29, 31);
// Leaf 7: shown are BMI1 AVX2 FDP BMI2 ERMS FCS RDSEED ADX CLFLUSHOPT CLWB SHA.
constexpr u32 kShown7Ebx = bits(3, 5, 6, 8, 9, 13, 18, 19, 23, 24, 29);
constexpr u32 kAvx512Shown7Ebx = bits(16, 17, 21, 28, 30, 31);
constexpr u32 kShown7Ecx = bits(8, 9, 10, 25);  // GFNI VAES VPCLMULQDQ CLDEMOTE
constexpr u32 kAvx512Shown7Ecx = bits(1, 6, 11, 12, 14);
constexpr u32 kShown7Edx = bits(4);  // FSRM
constexpr u32 kAvx2 = bits(5);
// Leaf 80000001: shown are LAHF ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM; SYSCALL NX MMXEXT LM 3DNOWEXT 3DNOW and the bits that
// repeat leaf 1's, less those hidden there.
constexpr u32 kShownExtendedEcx = bits(0, 5, 6, 7, 8, 11, 16, 21);
constexpr u32 kShownExtendedEdx = bits(0, 2, 4, 5, 6, 7, 8, 11, 14, 15, 16, 20, 22, 23, 24, 29, 30, 31);

constexpr CpuidResult kNothing{0, 0, 0, 0};

bool has_avx512() { return (switchable_xcr0() & kXcr0Avx512) != 0; }
bool has_avx() { return (switchable_xcr0() & kXcr0Avx) != 0; }

CpuidResult leaf_1(CpuidContext const& context) {
    CpuidResult r = native_cpuid(1, 0);
    r.ebx = (r.ebx & 0xffff) | (context.vcpu * 2) << 24;  // APIC id; one thread in each package
    r.ecx = (r.ecx & ~kHidden1Ecx) | kHypervisor1Ecx;
    if (switchable_xcr0() == 0) r.ecx &= ~kNeedXsave1Ecx;
    else r.ecx |= kXsave1Ecx;
    r.edx &= ~kHidden1Edx;
    return r;
}

CpuidResult leaf_7(u32 subleaf) {
    if (subleaf != 0) return kNothing;
    CpuidResult r = native_cpuid(7, 0);
    r.eax = 0;  // no further subleaf
    r.ebx &= kShown7Ebx | (has_avx512() ? kAvx512Shown7Ebx : 0);
    if (!has_avx()) r.ebx &= ~kAvx2;
    r.ecx &= kShown7Ecx | (has_avx512() ? kAvx512Shown7Ecx : 0);
    r.edx &= kShown7Edx;
    return r;
}

// Bytes of an XSAVE area in the standard format that holds `components`.
u32 xsave_bytes(u64 components) {
    constexpr u32 kLegacyAndHeader = 512 + 64;
    u32 size = kLegacyAndHeader;
    for (u32 component = 2; component < 63; ++component) {
        if ((components >> component & 1) == 0) continue;
        CpuidResult const place = native_cpuid(0xd, component);
        if (place.eax + place.ebx > size) size = place.eax + place.ebx;
    }
    return size;
}

CpuidResult leaf_xsave(CpuidContext const& context, u32 subleaf) {
    u64 const allowed = switchable_xcr0();
    if (allowed == 0) return kNothing;
    if (subleaf == 0)
        return {static_cast<u32>(allowed), xsave_bytes(context.xcr0 & allowed), xsave_bytes(allowed), static_cast<u32>(allowed >> 32)};
    if (subleaf == 1) return {native_cpuid(0xd, 1).eax & bits(0, 1, 2), 0, 0, 0};  // XSAVEOPT XSAVEC XGETBV1
    if (subleaf >= 63 || (allowed >> subleaf & 1) == 0) return kNothing;
    CpuidResult const place = native_cpuid(0xd, subleaf);
    return {place.eax, place.ebx, place.ecx & ~1u, 0};
}

CpuidResult leaf_time(u32 subleaf) {
    TscScale const scale = tsc_scale();
    switch (subleaf) {
        case 0: return {0, 0, scale.tsc_khz, 0};  // not emulated, mode default
        case 1: return {0, 0, scale.mul, static_cast<u32>(static_cast<i32>(scale.shift))};
        case 2: return {scale.tsc_khz, 0, 0, 0};
        default: return kNothing;
    }
}

CpuidResult hypervisor_leaf(u32 leaf, u32 subleaf) {
    constexpr u32 kMsrOfHypercallPage = 0x4000'0000;
    constexpr u32 kPreservesAccessedAndDirty = 1;
    constexpr u32 kMachineAddressBits = 40;  // above 44 Linux asks for grant table version 2
    switch (leaf - kHypervisorLeaf) {
        case 0: return {kLastHypervisorLeaf, 0x566e6558, 0x65584d4d, 0x4d4d566e};  // "XenVMMXenVMM"
        case 1: return {kXenVersion, 0, 0, 0};
        case 2: return {1, kMsrOfHypercallPage, kPreservesAccessedAndDirty, 0};
        case 3: return leaf_time(subleaf);
        case 5: return {0, subleaf == 0 ? kMachineAddressBits : 0, 0, 0};
        default: return kNothing;
    }
}

CpuidResult basic_leaf(CpuidContext const& context, u32 leaf, u32 subleaf) {
    switch (leaf) {
        case 0: {
            CpuidResult r = native_cpuid(0, 0);
            if (r.eax > kMaxBasicLeaf) r.eax = kMaxBasicLeaf;
            return r;
        }
        case 1: return leaf_1(context);
        case 2: return native_cpuid(2, 0);
        case 4: {  // caches: shared by nobody
            CpuidResult r = native_cpuid(4, subleaf);
            r.eax &= 0x3fff;
            return r;
        }
        case 7: return leaf_7(subleaf);
        case 0xd: return leaf_xsave(context, subleaf);
        default: return kNothing;  // MWAIT, thermal, performance counters, topology, resource control
    }
}

CpuidResult extended_leaf(u32 leaf) {
    constexpr u32 kInvariantTsc = bits(8);
    constexpr u32 kLinearAddressBits = 48;  // page tables have four levels, whatever the processor could
    CpuidResult r = native_cpuid(leaf, 0);
    switch (leaf) {
        case 0x8000'0000:
            if (r.eax > kMaxExtendedLeaf) r.eax = kMaxExtendedLeaf;
            return r;
        case 0x8000'0001: return {r.eax, r.ebx, r.ecx & kShownExtendedEcx, r.edx & kShownExtendedEdx};
        case 0x8000'0002:
        case 0x8000'0003:
        case 0x8000'0004:
        case 0x8000'0005:
        case 0x8000'0006: return r;
        case 0x8000'0007: return {0, 0, 0, r.edx & kInvariantTsc};
        case 0x8000'0008: return {(r.eax & 0xff) | kLinearAddressBits << 8, 0, 0, 0};
        default: return kNothing;
    }
}

}  // namespace

CpuidResult guest_cpuid(CpuidContext const& context, u32 leaf, u32 subleaf) {
    if (leaf >= kHypervisorLeaf && leaf < kHypervisorLeaf + 0x1'0000) return hypervisor_leaf(leaf, subleaf);
    u32 const max = native_cpuid(leaf & 0x8000'0000, 0).eax;
    if (leaf > max) return kNothing;
    return leaf >= 0x8000'0000 ? extended_leaf(leaf) : basic_leaf(context, leaf, subleaf);
}

}  // namespace hospes
