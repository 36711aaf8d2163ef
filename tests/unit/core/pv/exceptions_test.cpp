// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/exceptions.hpp"

#include "hypervisor/x86/layout.hpp"
#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

#include <utility>

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

TEST_CASE("INT n pushes no error code, whatever its vector", "[pv][exceptions]") {
    PvGuest g;
    g.vcpu.pv.in_kernel = false;
    g.vcpu.pv.traps[kVectorProtection].dpl = 3;
    g.place_code({0xcd, kVectorProtection});
    handle_exception(g.vcpu, protection(u32{kVectorProtection} * 8 + 2));
    CHECK(g.is_at_handler(kVectorProtection));
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

TEST_CASE("#GP by a privileged instruction is emulated; any other is the guest's", "[pv][exceptions]") {
    PvGuest g;
    g.vcpu.pv.ts = true;
    g.place_code({0x0f, 0x06});  // clts
    handle_exception(g.vcpu, protection(0));
    CHECK_FALSE(g.vcpu.pv.ts);
    CHECK(g.vcpu.regs.rip == g.code + 2);

    u32 const error = GENERATE(0u, 0x50u);
    g.vcpu.regs.rip = g.code;
    g.place_code({0x0f, error == 0 ? 0x01u : 0x06u, 0x17});  // lgdt; with an error code not even clts
    handle_exception(g.vcpu, protection(error));
    CHECK(g.is_at_handler(kVectorProtection));
    CHECK(g.frame(2) == error);
    CHECK(g.frame(3) == g.code);
}

TEST_CASE("an error code that names a gate, without INT n at RIP, is passed on", "[pv][exceptions]") {
    PvGuest g;
    SECTION("another instruction") { g.place_code({0x90}); }
    SECTION("no instruction that could be read") { g.vcpu.regs.rip = 0x10; }
    u64 const rip = g.vcpu.regs.rip;
    handle_exception(g.vcpu, protection(0x21 * 8 + 2));
    CHECK(g.is_at_handler(kVectorProtection));
    CHECK(g.frame(2) == 0x21 * 8 + 2);
    CHECK(g.frame(3) == rip);
}

TEST_CASE("the kernel raises what has a handler of privilege 1 or lower, user mode of privilege 3", "[pv][exceptions]") {
    struct Case { bool in_kernel; u8 dpl; bool has_handler; bool is_raised; };
    auto const [in_kernel, dpl, has_handler, is_raised] =
        GENERATE(Case{true, 0, true, false}, Case{true, 1, true, true}, Case{true, 3, true, true}, Case{false, 1, true, false},
                 Case{false, 3, true, true}, Case{true, 3, false, false}, Case{false, 3, false, false});
    PvGuest g;
    g.vcpu.pv.in_kernel = in_kernel;
    g.vcpu.pv.traps[kVectorLinuxInt80].dpl = dpl;
    if (!has_handler) g.vcpu.pv.traps[kVectorLinuxInt80].address = 0;
    g.vcpu.regs.rip = g.code + 2;
    handle_software_interrupt(g.vcpu, kVectorLinuxInt80);
    CHECK(g.is_at_handler(is_raised ? kVectorLinuxInt80 : kVectorProtection));
    CHECK(g.frame(is_raised ? 2 : 3) == (is_raised ? g.code + 2 : g.code));
}

TEST_CASE("INTO and a breakpoint that the guest keeps closed are #GP at the instruction", "[pv][exceptions]") {
    u8 const vector = GENERATE(kVectorBreakpoint, kVectorOverflow);
    PvGuest g;
    g.vcpu.regs.rip = g.code + 1;
    handle_exception(g.vcpu, {.vector = vector, .error_code = 0, .cr2 = 0, .dr6 = 0});
    CHECK(g.is_at_handler(kVectorProtection));
    CHECK(g.frame(2) == vector * 8u + 2);
    CHECK(g.frame(3) == g.code);
}

TEST_CASE("#UD is forced CPUID or the guest's; an exception that the core has no part in is the guest's", "[pv][exceptions]") {
    PvGuest g;
    g.place_code({0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2});
    g.vcpu.regs.rax = 0x4000'0001;
    handle_exception(g.vcpu, {.vector = kVectorInvalidOpcode, .error_code = 0, .cr2 = 0, .dr6 = 0});
    CHECK(g.vcpu.regs.rax == 0x0004'0011);
    CHECK(g.vcpu.regs.rip == g.code + 7);
    handle_exception(g.vcpu, {.vector = kVectorInvalidOpcode, .error_code = 0, .cr2 = 0, .dr6 = 0});
    CHECK(g.is_at_handler(kVectorInvalidOpcode));
    handle_exception(g.vcpu, {.vector = kVectorDivide, .error_code = 0, .cr2 = 0, .dr6 = 0});
    CHECK(g.is_at_handler(kVectorDivide));
}

TEST_CASE("page faults beside the windows of GDT and LDT name no selector", "[pv][exceptions]") {
    constexpr u64 kWindow = u64{16} << kPageShift;
    PvGuest g;
    for (u64 const cr2 : {u64{0x1234}, kPcpuAreaBase - 8, kPcpuAreaBase + (u64{1} << 39), kPcpuAreaBase + kAreaGdt - 8, kPcpuAreaBase + kAreaLdt + kWindow,
                          kPcpuAreaBase + kPcpuAreaStride - 8}) {
        handle_exception(g.vcpu, page_fault(cr2, 0));
        CHECK(g.is_at_handler(kVectorPageFault));
        CHECK(g.vcpu.info->arch.cr2 == cr2);
        g.vcpu.regs.rsp = g.stack - 256;
    }
}

TEST_CASE("a fault on the way out to the guest is told to it", "[pv][exceptions]") {
    PvGuest g;
    g.vcpu.regs.vector = 14;
    SECTION("a bad selector") {
        handle_return_fault(g.vcpu, protection(0x28));
        CHECK(g.is_at_handler(kVectorProtection));
        CHECK(g.frame(2) == 0x28);
    }
    SECTION("a page fault that is no selector's") {
        handle_return_fault(g.vcpu, page_fault(0x1234, kPageFaultWrite));
        CHECK(g.is_at_handler(kVectorPageFault));
        CHECK(g.frame(2) == kPageFaultWrite);
    }
}

TEST_CASE("a vcpu that has no vcpu_info takes exceptions with events masked", "[pv][exceptions]") {
    PvGuest g;
    vcpu_info_t* const info = std::exchange(g.vcpu.info, nullptr);
    handle_exception(g.vcpu, page_fault(0x1234, kPageFaultUser));
    CHECK(g.is_at_handler(kVectorPageFault));
    CHECK((g.frame(5) & kRflagsIf) == 0);
    CHECK(are_events_masked(g.vcpu));
    unmask_events(g.vcpu);
    CHECK(are_events_masked(g.vcpu));
    CHECK_FALSE(has_deliverable_event(g.vcpu));
    g.vcpu.info = info;
}
