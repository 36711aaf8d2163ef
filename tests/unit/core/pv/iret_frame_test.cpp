// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/iret_frame.hpp"

#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

iret_context frame_to(u64 cs, u64 rflags, u64 flags = 0) {
    return {.rax = 1, .r11 = 2, .rcx = 3, .flags = flags, .rip = 0x40'1000, .cs = cs, .rflags = rflags, .rsp = 0x7fff'0000, .ss = 0x2b};
}

}  // namespace

TEST_CASE("iret to the guest's kernel forces RPL 3 and restores everything", "[pv][iret]") {
    PvGuest g;
    apply_iret_frame(g.vcpu, frame_to(0xe030, kRflagsIf | kRflagsDf | kRflagsIopl | kRflagsVm | u64{1} << 40));
    GuestRegs const& regs = g.vcpu.regs;
    CHECK(g.vcpu.pv.in_kernel);
    CHECK(regs.cs == 0xe033);
    CHECK(regs.ss == 0x2b);
    CHECK(regs.rax == 1);
    CHECK(regs.r11 == 2);
    CHECK(regs.rcx == 3);
    CHECK(regs.rip == 0x40'1000);
    CHECK(regs.rsp == 0x7fff'0000);
    CHECK(regs.rflags == (kRflagsIf | kRflagsFixed | kRflagsDf));
    CHECK(regs.vector == kEntryNone);
    CHECK_FALSE(are_events_masked(g.vcpu));
}

TEST_CASE("the frame's IF becomes the upcall mask; the processor's stays set", "[pv][iret]") {
    PvGuest g;
    apply_iret_frame(g.vcpu, frame_to(0xe030, 0));
    CHECK(are_events_masked(g.vcpu));
    CHECK((g.vcpu.regs.rflags & kRflagsIf) != 0);
}

TEST_CASE("iret to user mode needs a user root", "[pv][iret]") {
    PvGuest g;
    SECTION("without one the domain ends") {
        apply_iret_frame(g.vcpu, frame_to(0x33, kRflagsIf));
        CHECK(g.domain.is_shut_down);
    }
    SECTION("with one the mode changes") {
        g.vcpu.pv.user_root = Mfn{5};
        apply_iret_frame(g.vcpu, frame_to(0x33, kRflagsIf));
        CHECK_FALSE(g.vcpu.pv.in_kernel);
        CHECK(g.vcpu.regs.cs == 0x33);
        g.vcpu.pv.user_root = Mfn{};
    }
}

TEST_CASE("a return from a system call discards the selectors, and RCX and R11 are as SYSRET leaves them", "[pv][iret]") {
    PvGuest g;
    g.vcpu.pv.user_root = Mfn{5};
    apply_iret_frame(g.vcpu, frame_to(0x33, kRflagsIf, VGCF_IN_SYSCALL));
    CHECK(g.vcpu.regs.cs == kGuestCs64);
    CHECK(g.vcpu.regs.ss == kGuestSs);
    CHECK(g.vcpu.regs.rcx == g.vcpu.regs.rip);
    CHECK(g.vcpu.regs.r11 == g.vcpu.regs.rflags);
    CHECK(g.vcpu.regs.vector == kEntrySyscall);
    g.vcpu.pv.user_root = Mfn{};
}

TEST_CASE("the hypercall reads its frame once and ends the domain if it cannot", "[pv][iret]") {
    PvGuest g;
    HypercallArgs args{};
    SECTION("readable") {
        iret_context const frame = frame_to(0xe030, kRflagsIf);
        std::memcpy(guest_memory().find(GuestAddress{g.vcpu.regs.rsp}, sizeof frame), &frame, sizeof frame);
        auto const outcome = hypercall_iret(g.vcpu, args);
        REQUIRE(outcome.ok());
        CHECK(outcome.value() == 1);
        CHECK(g.vcpu.regs.rip == 0x40'1000);
    }
    SECTION("not readable") {
        g.vcpu.regs.rsp = 0xffff'8300'0000'0000;
        CHECK(hypercall_iret(g.vcpu, args).ok());
        CHECK(g.domain.is_shut_down);
    }
}
