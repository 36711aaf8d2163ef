// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/exceptions.hpp"

#include "hypervisor/x86/layout.hpp"
#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr Fault protection(u32 error_code) { return {.vector = kVectorProtection, .error_code = error_code, .cr2 = 0, .dr6 = 0}; }
constexpr Fault page_fault(u64 cr2, u32 error_code) { return {.vector = kVectorPageFault, .error_code = error_code, .cr2 = cr2, .dr6 = 0}; }

}  // namespace

TEST_CASE("a page fault tells CR2 in vcpu_info and the guest's own mode in its error code", "[pv][exceptions]") {
    PvGuest g;
    handle_exception(g.vcpu, page_fault(0x1234, kPageFaultUser | kPageFaultWrite));
    CHECK(g.is_at_handler(kVectorPageFault));
    CHECK(g.vcpu.info->arch.cr2 == 0x1234);
    CHECK(g.frame(2) == kPageFaultWrite);
    g.vcpu.pv.in_kernel = false;
    handle_exception(g.vcpu, page_fault(0x1234, kPageFaultUser));
    CHECK(g.frame(2) == kPageFaultUser);
}

TEST_CASE("a page fault in the core's range is the guest's own", "[pv][exceptions]") {
    PvGuest g;
    handle_exception(g.vcpu, page_fault(kM2pBase + 0x1000, kPageFaultUser));
    CHECK(g.is_at_handler(kVectorPageFault));
    CHECK(g.vcpu.info->arch.cr2 == kM2pBase + 0x1000);
    CHECK_FALSE(g.domain.is_shut_down);
}

TEST_CASE("a selector in a missing page of the GDT or LDT is #GP with that selector", "[pv][exceptions]") {
    PvGuest g;
    handle_exception(g.vcpu, page_fault(kPcpuAreaBase + 5 * kPcpuAreaStride + kAreaGdt + 0x2008, 0));
    CHECK(g.is_at_handler(kVectorProtection));
    CHECK(g.frame(2) == 0x2008);
    handle_return_fault(g.vcpu, page_fault(kPcpuAreaBase + kAreaLdt + 0x18, 0));
    CHECK(g.frame(2) == (0x18 | 4));
    // The same address touched by the guest's own instruction is an ordinary page fault.
    handle_exception(g.vcpu, page_fault(kPcpuAreaBase + kAreaGdt, kPageFaultUser));
    CHECK(g.is_at_handler(kVectorPageFault));
}

TEST_CASE("INT n takes its vector from the instruction, whatever the error code says", "[pv][exceptions]") {
    PvGuest g;
    g.vcpu.pv.in_kernel = false;
    g.vcpu.pv.traps[0x21].dpl = 3;
    g.place_code({0xcd, 0x21});
    u32 const error = GENERATE(0x21u * 8 + 2, 0x21u * 16 + 2);
    handle_exception(g.vcpu, protection(error));
    CHECK(g.is_at_handler(0x21));
    CHECK(g.frame(2) == g.code + 2);
}

TEST_CASE("INT n for a closed vector is #GP at the instruction", "[pv][exceptions]") {
    PvGuest g;
    g.vcpu.pv.in_kernel = false;
    g.place_code({0xcd, 0x0e});
    handle_exception(g.vcpu, protection(14 * 16 + 2));
    CHECK(g.is_at_handler(kVectorProtection));
    CHECK(g.frame(2) == 14 * 8 + 2);
    CHECK(g.frame(3) == g.code);
}

TEST_CASE("breakpoints and INT 0x80 go by the guest's own privilege", "[pv][exceptions]") {
    PvGuest g;
    g.vcpu.pv.in_kernel = false;
    g.vcpu.pv.traps[kVectorBreakpoint].dpl = 3;
    g.vcpu.regs.rip = g.code + 1;
    handle_exception(g.vcpu, {.vector = kVectorBreakpoint, .error_code = 0, .cr2 = 0, .dr6 = 0});
    CHECK(g.is_at_handler(kVectorBreakpoint));
    CHECK(g.frame(2) == g.code + 1);

    g.vcpu.pv.in_kernel = false;
    g.vcpu.regs.rip = g.code + 2;
    handle_software_interrupt(g.vcpu, kVectorLinuxInt80);
    CHECK(g.is_at_handler(kVectorProtection));
    CHECK(g.frame(2) == 0x80 * 8 + 2);
    CHECK(g.frame(3) == g.code);
}

TEST_CASE("virtual-8086 mode ends in #GP: the guest sees user mode's selectors and no VM flag", "[pv][exceptions]") {
    PvGuest g;
    g.vcpu.pv.in_kernel = false;
    g.vcpu.regs.cs = 0x1000;
    g.vcpu.regs.ss = 0x2000;
    g.vcpu.regs.rip = 0x1c00;
    g.vcpu.regs.rflags = kRflagsVm | kRflagsFixed;
    REQUIRE(are_of_guest(g.vcpu.regs));
    handle_virtual_8086(g.vcpu);
    CHECK(g.is_at_handler(kVectorProtection));
    CHECK(g.frame(2) == 0);
    CHECK(g.frame(3) == 0x1c00);
    CHECK((g.frame(4) & 0xffff) == 0x1003);
    CHECK((g.frame(5) & kRflagsVm) == 0);
    CHECK((g.vcpu.regs.rflags & kRflagsVm) == 0);
}

TEST_CASE("#NM clears TS; #DB gathers DR6", "[pv][exceptions]") {
    PvGuest g;
    g.vcpu.pv.ts = true;
    handle_exception(g.vcpu, {.vector = kVectorNoFpu, .error_code = 0, .cr2 = 0, .dr6 = 0});
    CHECK_FALSE(g.vcpu.pv.ts);
    CHECK(g.is_at_handler(kVectorNoFpu));
    handle_exception(g.vcpu, {.vector = kVectorDebug, .error_code = 0, .cr2 = 0, .dr6 = 0xffff'4ff1});
    CHECK(g.vcpu.pv.debug_registers[6] == 0xffff'4ff1);
}
