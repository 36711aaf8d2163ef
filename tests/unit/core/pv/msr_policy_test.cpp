// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/msr_policy.hpp"

#include "hypervisor/x86/msr.hpp"
#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("base registers hold what a guest may have", "[pv][msr]") {
    PvGuest g;
    REQUIRE(write_guest_msr(g.vcpu, kMsrGsBase, 0xffff'8880'0000'1000).ok());
    CHECK(read_guest_msr(g.vcpu, kMsrGsBase).value() == 0xffff'8880'0000'1000);
    REQUIRE(write_guest_msr(g.vcpu, kMsrKernelGsBase, 0x7fff'ffff'f000).ok());
    CHECK(g.vcpu.pv.gs_base_user == 0x7fff'ffff'f000);
    for (u64 bad : {u64{0x0000'8000'0000'0000}, u64{0xffff'7fff'ffff'ffff}, u64{0xffff'8000'0000'0000}, u64{0xffff'87ff'ffff'ffff}})
        for (u32 msr : {kMsrFsBase, kMsrGsBase, kMsrKernelGsBase}) CHECK_FALSE(write_guest_msr(g.vcpu, msr, bad).ok());
}

TEST_CASE("the constants a guest decodes are those the processor runs with", "[pv][msr]") {
    PvGuest g;
    CHECK(read_guest_msr(g.vcpu, kMsrPat).value() == 0x0000'0501'0007'0406);
    CHECK(write_guest_msr(g.vcpu, kMsrPat, kPatValue).ok());
    CHECK_FALSE(write_guest_msr(g.vcpu, kMsrPat, 0).ok());
    CHECK(read_guest_msr(g.vcpu, kMsrApicBase).value() == 0xfee0'0900);
    CHECK(read_guest_msr(g.vcpu, kMsrMcgCap).value() == 0);
    CHECK(read_guest_msr(g.vcpu, kMsrEfer).value() == (kEferSce | kEferLme | kEferLma | kEferNxe));
    CHECK(read_guest_msr(g.vcpu, kMsrFeatureControl).value() == 1);
}

TEST_CASE("no guest writes what the core lives on", "[pv][msr]") {
    PvGuest g;
    for (u32 msr : {kMsrEfer, kMsrStar, kMsrLstar, kMsrCstar, kMsrSyscallMask, kMsrApicBase, kMsrSysenterCs, kMsrTscAux, kMsrTsc, u32{0x1234}})
        CHECK_FALSE(write_guest_msr(g.vcpu, msr, 0).ok());
}

TEST_CASE("an unknown register is #GP, but zero before the guest can take one", "[pv][msr]") {
    PvGuest g;
    CHECK_FALSE(read_guest_msr(g.vcpu, 0x1234).ok());
    g.vcpu.pv.traps[kVectorProtection] = {};
    CHECK(read_guest_msr(g.vcpu, 0x1234).value() == 0);
}

TEST_CASE("what a kernel reads and clears while it starts is there", "[pv][msr]") {
    PvGuest g;
    REQUIRE(write_guest_msr(g.vcpu, kMsrFsBase, 0x7fff'0000'1000).ok());
    CHECK(read_guest_msr(g.vcpu, kMsrFsBase).value() == 0x7fff'0000'1000);
    REQUIRE(write_guest_msr(g.vcpu, kMsrKernelGsBase, 0x2000).ok());
    CHECK(read_guest_msr(g.vcpu, kMsrKernelGsBase).value() == 0x2000);
    CHECK(read_guest_msr(g.vcpu, kMsrTsc).value() == 0x1234'5678'9abc);
    CHECK((read_guest_msr(g.vcpu, kMsrMiscEnable).value() & 1) == 1);
    for (u32 msr : {kMsrMicrocode, kMsrMiscEnable, kMsrMcgStatus, kMsrAmdHwcr, kMsrAmdDeConfig}) {
        u64 const before = read_guest_msr(g.vcpu, msr).value();
        CHECK(write_guest_msr(g.vcpu, msr, ~u64{0}).ok());
        CHECK(read_guest_msr(g.vcpu, msr).value() == before);
    }
    Vcpu second{g.domain, VcpuId{1}};
    CHECK(read_guest_msr(second, kMsrApicBase).value() == 0xfee0'0800);  // no boot processor
}
