// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/bounce.hpp"

#include "hypervisor/core/pv/crash.hpp"
#include "hypervisor/core/pv/iret_frame.hpp"
#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("an exception in the guest's kernel goes onto its own stack, with CS at RPL 0", "[pv][bounce]") {
    PvGuest g;
    g.vcpu.regs.rsp = g.stack - 100;  // not aligned
    g.vcpu.regs.rcx = 0xc;
    g.vcpu.regs.r11 = 0xb;
    u64 const rsp = g.vcpu.regs.rsp;
    g.vcpu.regs.rflags |= kRflagsTf | kRflagsAc | kRflagsNt | kRflagsIopl;
    deliver_exception(g.vcpu, kVectorProtection, 0x50);

    CHECK(g.is_at_handler(kVectorProtection));
    CHECK(g.vcpu.regs.rsp == (rsp & ~u64{15}) - 8 * 8);
    CHECK(g.frame(0) == 0xc);
    CHECK(g.frame(1) == 0xb);
    CHECK(g.frame(2) == 0x50);
    CHECK(g.frame(3) == g.code);
    CHECK(g.frame(4) == 0xe030);
    CHECK(g.frame(5) == (kRflagsIf | kRflagsFixed | kRflagsTf | kRflagsAc | kRflagsNt));
    CHECK(g.frame(6) == rsp);
    CHECK(g.frame(7) == kGuestSs);
    CHECK((g.vcpu.regs.rflags & (kRflagsTf | kRflagsAc | kRflagsNt)) == 0);  // NT: the handler's own IRET would fault
    CHECK(are_events_masked(g.vcpu));
}

TEST_CASE("an exception in user mode goes onto the kernel's stack, without error code where there is none", "[pv][bounce]") {
    PvGuest g;
    g.vcpu.pv.in_kernel = false;
    g.vcpu.regs.cs = 0x33;
    g.vcpu.regs.ss = 0x2b;
    mask_events(g.vcpu);
    deliver_exception(g.vcpu, kVectorInvalidOpcode, 0);
    CHECK(g.vcpu.pv.in_kernel);
    CHECK(g.vcpu.regs.rsp == g.kernel_stack - 7 * 8);
    CHECK(g.frame(3) == (0x33 | u64{1} << 32));  // the saved upcall mask above CS
    CHECK((g.frame(4) & kRflagsIf) == 0);
    CHECK(g.frame(6) == 0x2b);
    CHECK(g.vcpu.regs.cs == kGuestCs64);
    CHECK(g.vcpu.regs.ss == kGuestSs);
}

TEST_CASE("a handler that does not mask events leaves the upcall mask alone", "[pv][bounce]") {
    PvGuest g;
    g.vcpu.pv.traps[kVectorBreakpoint].masks_events = false;
    deliver_exception(g.vcpu, kVectorBreakpoint, 0);
    CHECK_FALSE(are_events_masked(g.vcpu));
}

TEST_CASE("a stack that cannot take the frame, or no handler, ends the domain and nothing else", "[pv][bounce]") {
    PvGuest g;
    SECTION("unmapped stack") { g.vcpu.regs.rsp = 0x10; }
    SECTION("stack that ends within the frame") { g.vcpu.regs.rsp = g.stack - kPageSize + 32; }
    SECTION("stack in the core's range") { g.vcpu.regs.rsp = 0xffff'8300'0000'1000; }
    SECTION("non-canonical stack") { g.vcpu.regs.rsp = 0x0000'8000'0000'1000; }
    SECTION("no handler") { g.vcpu.pv.traps[kVectorDivide].address = 0; }
    deliver_exception(g.vcpu, kVectorDivide, 0);
    CHECK(g.domain.is_shut_down);
    CHECK(g.domain.shutdown_reason == ShutdownReason::crash);
    CHECK_FALSE(g.dom0().is_shut_down);
}

TEST_CASE("of vcpus that crash together one is told in full", "[pv][bounce]") {
    PvGuest g;
    machine().log.clear();
    crash_guest(g.vcpu, "a test");
    usize const first = machine().log.size();
    CHECK(first > 10);
    crash_guest(g.vcpu, "a test");
    CHECK(machine().log.size() <= first + 1);
}

TEST_CASE("the system call callback", "[pv][bounce]") {
    PvGuest g;
    g.vcpu.pv.in_kernel = false;
    g.vcpu.regs.rflags |= kRflagsDf;
    SECTION("takes RIP and flags from the instruction and clears DF") {
        g.vcpu.pv.syscall_callback = {.address = 0xffff'ffff'8200'0000, .masks_events = true};
        deliver_syscall_callback(g.vcpu);
        CHECK(g.vcpu.regs.rip == 0xffff'ffff'8200'0000);
        CHECK((g.vcpu.regs.rflags & kRflagsDf) == 0);
        CHECK((g.frame(4) & kRflagsDf) != 0);
        CHECK(g.frame(2) == g.code);
        CHECK(are_events_masked(g.vcpu));
    }
    SECTION("is #UD at the instruction when none is registered") {
        deliver_syscall_callback(g.vcpu);
        CHECK(g.is_at_handler(kVectorInvalidOpcode));
        CHECK(g.frame(2) == g.code - 2);
    }
}

TEST_CASE("an event upcall needs a callback, something pending and a clear mask; pending stays set", "[pv][bounce]") {
    PvGuest g;
    g.vcpu.info->evtchn_upcall_pending = 1;
    CHECK(deliver_pending_events(g.vcpu));
    CHECK(g.vcpu.regs.rip == g.code);  // no callback
    g.vcpu.pv.event_callback = {.address = 0xffff'ffff'8300'0000, .masks_events = true};
    mask_events(g.vcpu);
    CHECK(deliver_pending_events(g.vcpu));
    CHECK(g.vcpu.regs.rip == g.code);  // masked
    unmask_events(g.vcpu);
    CHECK(deliver_pending_events(g.vcpu));
    CHECK(g.vcpu.regs.rip == 0xffff'ffff'8300'0000);
    CHECK(are_events_masked(g.vcpu));
    CHECK(g.vcpu.info->evtchn_upcall_pending == 1);
    CHECK((g.frame(3) >> 32) == 0);
    CHECK((g.frame(4) & kRflagsIf) != 0);
}

TEST_CASE("a guest whose upcalls raise events for itself gets a moment for what they interrupted", "[pv][bounce]") {
    constexpr unsigned kReturns = 15;  // which the next event may follow at once
    constexpr u64 kHandler = 0xffff'ffff'8300'0000;
    PvGuest g;
    g.vcpu.pv.event_callback = {.address = kHandler, .masks_events = true};
    auto const iret = [&](u64 rflags) {
        apply_iret_frame(g.vcpu, {.rax = 0, .r11 = 0, .rcx = 0, .flags = 0, .rip = g.code, .cs = kGuestCs64 & ~u64{3}, .rflags = rflags,
                                  .rsp = g.stack - 256, .ss = kGuestSs});
        REQUIRE(deliver_pending_events(g.vcpu));
        return g.vcpu.regs.rip == kHandler;
    };
    g.vcpu.info->evtchn_upcall_pending = 1;
    for (unsigned i = 0; i < kReturns; ++i) REQUIRE(iret(kRflagsIf));

    SECTION("the upcall is late once, until a timer brings the vcpu into the core") {
        CHECK_FALSE(iret(kRflagsIf));
        CHECK_FALSE(are_events_masked(g.vcpu));
        CHECK(g.vcpu.info->evtchn_upcall_pending == 1);
        CHECK(machine().timer == machine().now + Nanoseconds{100'000});
        CHECK(deliver_pending_events(g.vcpu));
        CHECK(g.vcpu.regs.rip == kHandler);
        CHECK(iret(kRflagsIf));
    }
    SECTION("returns within a handler do not count") {
        CHECK_FALSE(iret(0));
        CHECK_FALSE(iret(kRflagsIf));
        CHECK(machine().timer != Nanoseconds::never());
    }
    SECTION("one return to the interrupted code is enough") {
        g.vcpu.info->evtchn_upcall_pending = 0;
        CHECK_FALSE(iret(kRflagsIf));
        g.vcpu.info->evtchn_upcall_pending = 1;
        for (unsigned i = 0; i < kReturns; ++i) REQUIRE(iret(kRflagsIf));
        CHECK(machine().timer == Nanoseconds::never());
    }
}

TEST_CASE("an event that cannot be delivered ends the domain and says so", "[pv][bounce]") {
    PvGuest g;
    g.vcpu.info->evtchn_upcall_pending = 1;
    g.vcpu.pv.event_callback = {.address = 0xffff'ffff'8300'0000, .masks_events = true};
    g.vcpu.regs.rsp = 0;
    CHECK_FALSE(deliver_pending_events(g.vcpu));
    CHECK(g.domain.is_shut_down);
}

TEST_CASE("the failsafe callback gets the four selectors between R11 and RIP", "[pv][bounce]") {
    PvGuest g;
    g.vcpu.pv.failsafe_callback = {.address = 0xffff'ffff'8400'0000, .masks_events = true};
    deliver_failsafe(g.vcpu, {1, 2, 3, 4});
    CHECK(g.frame(2) == 1);
    CHECK(g.frame(3) == 2);
    CHECK(g.frame(4) == 3);
    CHECK(g.frame(5) == 4);
    CHECK(g.frame(6) == g.code);
}

TEST_CASE("a callback that is not there, or whose stack is not, ends the domain where nothing else is left", "[pv][bounce]") {
    PvGuest g;
    SECTION("failsafe, not registered") { deliver_failsafe(g.vcpu, {1, 2, 3, 4}); }
    SECTION("failsafe, without a stack") {
        g.vcpu.pv.failsafe_callback = {.address = 0xffff'ffff'8400'0000, .masks_events = true};
        g.vcpu.regs.rsp = 0x10;
        deliver_failsafe(g.vcpu, {1, 2, 3, 4});
    }
    SECTION("system call, without a stack") {
        g.vcpu.pv.in_kernel = false;
        g.vcpu.pv.kernel_sp = 0x10;
        g.vcpu.pv.syscall_callback = {.address = 0xffff'ffff'8200'0000, .masks_events = true};
        g.vcpu.regs.rflags |= kRflagsDf;
        deliver_syscall_callback(g.vcpu);
        CHECK((g.vcpu.regs.rflags & kRflagsDf) != 0);  // as it was: for the dump
    }
    CHECK(g.domain.is_shut_down);
    CHECK(g.domain.shutdown_reason == ShutdownReason::crash);
    CHECK(g.vcpu.regs.rip == g.code);
}
