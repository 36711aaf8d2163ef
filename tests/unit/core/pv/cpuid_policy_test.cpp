// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/cpuid_policy.hpp"

#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

#include <cstring>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u32 kMaxLeaves[] = {0x1f, 0x8000'0028};

// A processor that has everything; the leaves with maxima tell the truth.
CpuidResult everything(u32 leaf, u32 subleaf) {
    if (leaf == 0) return {kMaxLeaves[0], 0x6874'7541, 0x444d'4163, 0x6974'6e65};
    if (leaf == 0x8000'0000) return {kMaxLeaves[1], 0, 0, 0};
    if (leaf == 0xd && subleaf == 2) return {256, 576, 0, 0};
    return {~0u, ~0u, ~0u, ~0u};
}

bool bit(u32 word, unsigned position) { return (word >> position & 1) != 0; }

}  // namespace

TEST_CASE("the hypervisor's leaves name Xen 4.17, preserve-AD and at most 44 address bits", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    CpuidResult const first = guest_cpuid({}, 0x4000'0000, 0);
    char name[13] = {};
    std::memcpy(name, &first.ebx, 4);
    std::memcpy(name + 4, &first.ecx, 4);
    std::memcpy(name + 8, &first.edx, 4);
    CHECK(std::string{name} == "XenVMMXenVMM");
    CHECK(first.eax == 0x4000'0005);
    CHECK(guest_cpuid({}, 0x4000'0001, 0).eax == 0x0004'0011);
    CHECK(bit(guest_cpuid({}, 0x4000'0002, 0).ecx, 0));
    CHECK((guest_cpuid({}, 0x4000'0005, 0).ebx & 0xff) <= 44);
    CHECK(guest_cpuid({}, 0x4000'0100, 0).eax == 0);
}

TEST_CASE("what a PV guest cannot have is hidden on a processor that has everything", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    guest_cpu().cpuid = everything;
    CpuidContext const dom0{.vcpu = 3, .xcr0 = 7};
    CpuidResult const one = guest_cpuid(dom0, 1, 0);
    for (unsigned hidden : {1u, 3u, 12u, 13u, 17u}) CHECK_FALSE(bit(one.edx, hidden));   // VME PSE MTRR PGE PSE36
    for (unsigned hidden : {3u, 5u, 17u, 21u, 24u}) CHECK_FALSE(bit(one.ecx, hidden));   // MONITOR VMX PCID X2APIC DEADLINE
    for (unsigned shown : {0u, 4u, 5u, 6u, 9u, 24u, 25u, 26u}) CHECK(bit(one.edx, shown));
    CHECK(bit(one.ecx, 31));
    CHECK(one.ebx >> 24 == 6);

    CpuidResult const seven = guest_cpuid(dom0, 7, 0);
    for (unsigned hidden : {0u, 4u, 7u, 10u, 11u, 14u, 20u}) CHECK_FALSE(bit(seven.ebx, hidden));  // FSGSBASE HLE SMEP INVPCID RTM MPX SMAP
    for (unsigned hidden : {2u, 3u, 4u, 16u, 22u}) CHECK_FALSE(bit(seven.ecx, hidden));            // UMIP PKU OSPKE LA57 RDPID
    CHECK(seven.eax == 0);
    CpuidResult const extended = guest_cpuid(dom0, 0x8000'0001, 0);
    CHECK_FALSE(bit(extended.edx, 26));  // 1 GiB pages
    CHECK_FALSE(bit(extended.edx, 27));  // RDTSCP
    CHECK_FALSE(bit(extended.ecx, 2));   // SVM
    for (unsigned shown : {11u, 20u, 29u}) CHECK(bit(extended.edx, shown));
    for (u32 leaf : {5u, 6u, 0xau, 0xbu, 0x8000'000au}) {
        CpuidResult const none = guest_cpuid(dom0, leaf, 0);
        CHECK((none.eax | none.ebx | none.ecx | none.edx) == 0);
    }
}

TEST_CASE("XSAVE is shown whole or not at all", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    guest_cpu().cpuid = everything;
    SECTION("with it, OSXSAVE too, and sizes follow XCR0") {
        CpuidResult const one = guest_cpuid({}, 1, 0);
        CHECK(bit(one.ecx, 26));
        CHECK(bit(one.ecx, 27));
        CpuidResult const sizes = guest_cpuid({.vcpu = 0, .xcr0 = 3}, 0xd, 0);
        CHECK(sizes.eax == 7);
        CHECK(sizes.ebx == 576);
        CHECK(sizes.ecx == 832);
        CHECK((guest_cpuid({}, 0xd, 1).eax & 0x18) == 0);  // no XSAVES, no XFD
        CHECK(guest_cpuid({}, 0xd, 9).eax == 0);           // a component that is not switched
    }
    SECTION("without it, nothing that needs it") {
        guest_cpu().xcr0 = 0;
        CpuidResult const one = guest_cpuid({}, 1, 0);
        for (unsigned hidden : {12u, 26u, 27u, 28u, 29u}) CHECK_FALSE(bit(one.ecx, hidden));
        CHECK_FALSE(bit(guest_cpuid({}, 7, 0).ebx, 5));
        CHECK(guest_cpuid({}, 0xd, 0).eax == 0);
    }
}

TEST_CASE("leaves beyond the processor's maximum are empty", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    guest_cpu().cpuid = everything;
    CHECK(guest_cpuid({}, 0, 0).eax == 0xd);
    CHECK(guest_cpuid({}, 0x8000'0100, 0).eax == 0);
    guest_cpu().cpuid = [](u32 leaf, u32) { return leaf == 0 ? CpuidResult{4, 0, 0, 0} : CpuidResult{~0u, ~0u, ~0u, ~0u}; };
    CHECK(guest_cpuid({}, 0, 0).eax == 4);
    CHECK(guest_cpuid({}, 7, 0).ebx == 0);
}

TEST_CASE("addresses have 48 bits whatever the processor can, and SYSENTER is not offered", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    guest_cpu().cpuid = [](u32 leaf, u32 subleaf) {
        return leaf == 0x8000'0008 ? CpuidResult{0x3934, 0, 0, 0} : everything(leaf, subleaf);
    };
    CHECK(guest_cpuid({}, 0x8000'0008, 0).eax == 0x3034);
    CHECK(!bit(guest_cpuid({}, 1, 0).edx, 11));
}

TEST_CASE("the leaf of time tells the clock that vcpu_info's time record uses", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    CpuidResult const frequency = guest_cpuid({}, 0x4000'0003, 0);
    CHECK(frequency.ecx == 1'000'000);
    CHECK((frequency.eax | frequency.ebx | frequency.edx) == 0);
    CpuidResult const scale = guest_cpuid({}, 0x4000'0003, 1);
    CHECK(scale.ecx == 1u << 31);
    CHECK(scale.edx == 1);
    CHECK(guest_cpuid({}, 0x4000'0003, 2).eax == 1'000'000);
    CHECK(guest_cpuid({}, 0x4000'0003, 3).eax == 0);
    CHECK(guest_cpuid({}, 0x4000'0005, 1).ebx == 0);
    CHECK(guest_cpuid({}, 0x4000'0004, 0).eax == 0);  // for HVM
}

TEST_CASE("AVX-512 is shown where its state is switched", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    guest_cpu().cpuid = everything;
    CHECK_FALSE(bit(guest_cpuid({}, 7, 0).ebx, 16));
    CHECK_FALSE(bit(guest_cpuid({}, 7, 0).ecx, 1));
    guest_cpu().xcr0 = 0xe7;
    CHECK(bit(guest_cpuid({}, 7, 0).ebx, 16));
    CHECK(bit(guest_cpuid({}, 7, 0).ecx, 1));
    CHECK(guest_cpuid({}, 7, 1).eax == 0);
}

TEST_CASE("a component of XSAVE has a place if it is switched", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    guest_cpu().cpuid = everything;
    CpuidResult const avx = guest_cpuid({}, 0xd, 2);
    CHECK(avx.eax == 256);
    CHECK(avx.ebx == 576);
    for (u32 const absent : {3u, 62u, 63u, 64u, ~0u}) CHECK(guest_cpuid({}, 0xd, absent).eax == 0);
    // An area is as large as its farthest component wants, not its last.
    guest_cpu().xcr0 = 0xe7;
    guest_cpu().cpuid = [](u32 leaf, u32 subleaf) {
        if (leaf != 0xd) return everything(leaf, subleaf);
        return subleaf == 5 ? CpuidResult{64, 2048, 0, 0} : CpuidResult{64, 1024, 0, 0};
    };
    CHECK(guest_cpuid({.vcpu = 0, .xcr0 = 7}, 0xd, 0).ebx == 1088);
    CHECK(guest_cpuid({.vcpu = 0, .xcr0 = 7}, 0xd, 0).ecx == 2112);
}

TEST_CASE("caches belong to one vcpu; names, TLBs and the invariant time stamp are the processor's", "[pv][cpuid]") {
    guest_cpu() = FakeGuestCpu{};
    guest_cpu().cpuid = everything;
    CHECK(guest_cpuid({}, 2, 0).eax == ~0u);
    CpuidResult const cache = guest_cpuid({}, 4, 1);
    CHECK(cache.eax == 0x3fff);  // no core and no thread beside it
    CHECK(cache.ebx == ~0u);
    CHECK(guest_cpuid({}, 0x8000'0000, 0).eax == 0x8000'0021);
    for (u32 leaf = 0x8000'0002; leaf <= 0x8000'0006; ++leaf) CHECK(guest_cpuid({}, leaf, 0).ecx == ~0u);
    CpuidResult const power = guest_cpuid({}, 0x8000'0007, 0);
    CHECK(power.edx == 1u << 8);
    CHECK((power.eax | power.ebx | power.ecx) == 0);
    guest_cpu().cpuid = [](u32, u32) { return CpuidResult{0x8000'0008, 0, 0, 0}; };
    CHECK(guest_cpuid({}, 0x8000'0000, 0).eax == 0x8000'0008);
}
