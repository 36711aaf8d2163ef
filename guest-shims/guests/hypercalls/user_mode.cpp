// SPDX-License-Identifier: Apache-2.0
// Guest user mode: the iret hypercall, system calls, exceptions from user mode, the two roots.
#include "support.hpp"

namespace hospes::guest {
namespace {

constexpr u8 kSyscall[] = {0x0f, 0x05};
constexpr u8 kUd2[] = {0x0f, 0x0b};
constexpr u8 kInt3[] = {0xcc};
constexpr u8 kInt80[] = {0xcd, 0x80};
constexpr u8 kHlt[] = {0xf4};
constexpr u8 kCli[] = {0xfa};
constexpr u8 kLoadFromRdi[] = {0x48, 0x8b, 0x07};         // mov (%rdi), %rax
constexpr u8 kStoreToRdi[] = {0x48, 0x89, 0x07};          // mov %rax, (%rdi)
constexpr u8 kReadCr0[] = {0x0f, 0x20, 0xc0};             // mov %cr0, %rax
constexpr u8 kDivideByZero[] = {0x31, 0xc9, 0xf7, 0xf1};  // xor %ecx, %ecx; div %ecx

}  // namespace

HV_TEST(user_syscall_reaches_the_callback) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rax = 0x1122334455667788;
    start.rdi = 7;
    start.r8 = 8;
    start.r15 = 15;
    const Fault fault = user.run(kSyscall, sizeof kSyscall, start);
    HV_REQUIRE_EQ(fault.vector(), kVectorSyscall);
    HV_CHECK_EQ(fault.frame.rip, kUserCode + 2);
    HV_CHECK_EQ(fault.frame.rsp, kUserStack + kPageSize);
    HV_CHECK_EQ(fault.frame.rax, 0x1122334455667788);
    HV_CHECK_EQ(fault.frame.rdi, 7);
    HV_CHECK_EQ(fault.frame.r8, 8);
    HV_CHECK_EQ(fault.frame.r15, 15);
    HV_CHECK_EQ(fault.frame.rcx, kUserCode + 2);
    HV_CHECK(fault.frame.from_user());
}

HV_TEST(user_syscall_callback_arrives_with_upcalls_masked) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    events_enable();
    static u8 mask_seen;
    mask_seen = 0xff;
    set_trap_hook(
        [](TrapFrame &frame, void *) {
            if (frame.vector == kVectorSyscall) mask_seen = vcpu_info().evtchn_upcall_mask;
            return false;
        },
        nullptr);
    const Fault fault = user.run(kSyscall);
    HV_CHECK_EQ(fault.vector(), kVectorSyscall);
    HV_CHECK_EQ(mask_seen, 1);
    HV_CHECK_EQ(fault.frame.rflags & 0x200, 0x200);
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_mask, 0);
    events_disable();
}

HV_TEST(user_iret_restores_every_register) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    u64 *registers[] = {&start.r15, &start.r14, &start.r13, &start.r12, &start.r11, &start.r10, &start.r9, &start.r8,
                        &start.rdi, &start.rsi, &start.rbp, &start.rbx, &start.rdx, &start.rcx, &start.rax};
    u64 value = 0xabcd000000000000;
    for (u64 *target : registers) *target = value++;
    const Fault fault = user.run(kUd2, sizeof kUd2, start);
    HV_REQUIRE_EQ(fault.vector(), 6);
    HV_CHECK_EQ(memcmp(&fault.frame, &start, 15 * 8), 0);
    HV_CHECK_EQ(fault.frame.rip, kUserCode);
    HV_CHECK_EQ(fault.frame.rsp, start.rsp);
    HV_CHECK_EQ(fault.frame.cs & 0xffff, kFlatCs64);
    HV_CHECK_EQ(fault.frame.ss, kFlatSs);
}

HV_TEST(user_exceptions_arrive_with_their_vector) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    const Fault divide = user.run(kDivideByZero);
    HV_CHECK_EQ(divide.vector(), 0);
    HV_CHECK_EQ(divide.frame.rip, kUserCode + 2);
    const Fault breakpoint = user.run(kInt3);
    HV_CHECK_EQ(breakpoint.vector(), 3);
    HV_CHECK_EQ(breakpoint.frame.rip, kUserCode + 1);
    const Fault halt = user.run(kHlt);
    HV_CHECK_EQ(halt.vector(), 13);
    HV_CHECK_EQ(halt.frame.error_code, 0);
    HV_CHECK_EQ(user.run(kCli).vector(), 13);
    HV_CHECK_EQ(user.run(kReadCr0).vector(), 13);
}

HV_TEST(user_int_80_reaches_its_handler) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    const Fault fault = user.run(kInt80);
    HV_CHECK_EQ(fault.vector(), 128);
    HV_CHECK_EQ(fault.frame.rip, kUserCode + 2);
    HV_CHECK(fault.frame.from_user());
}

HV_TEST(user_page_fault_has_the_user_bit_and_cr2) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rdi = kUserData + kPageSize + 0x123;
    const Fault read = user.run(kLoadFromRdi, sizeof kLoadFromRdi, start);
    HV_CHECK_EQ(read.vector(), 14);
    HV_CHECK_EQ(read.frame.error_code, 4);
    HV_CHECK_EQ(read.cr2, start.rdi);
    const Fault write = user.run(kStoreToRdi, sizeof kStoreToRdi, start);
    HV_CHECK_EQ(write.vector(), 14);
    HV_CHECK_EQ(write.frame.error_code, 6);
}

HV_TEST(user_stores_reach_its_own_page) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rdi = kUserData + 8;
    start.rax = 0xfeed;
    const u8 code[] = {0x48, 0x89, 0x07, 0x0f, 0x05};  // mov %rax, (%rdi); syscall
    HV_CHECK_EQ(user.run(code, sizeof code, start).vector(), kVectorSyscall);
    HV_CHECK_EQ(user.data()[1], 0xfeed);
}

HV_TEST(user_mode_cannot_reach_the_kernel) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rdi = address_of(&start_info());
    const Fault fault = user.run(kLoadFromRdi, sizeof kLoadFromRdi, start);
    HV_CHECK_EQ(fault.vector(), 14);
    HV_CHECK_EQ(fault.frame.error_code, 4);
}

HV_TEST(user_mode_cannot_reach_the_hypervisor) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    for (const u64 va : {0xffff82d040200000UL, kHypervisorStart + 0x20000000000, kHypervisorEnd - 8}) {
        start.rdi = va;
        const Fault read = user.run(kLoadFromRdi, sizeof kLoadFromRdi, start);
        HV_CHECK_EQ(read.vector(), 14);
        HV_CHECK_EQ(read.frame.error_code & 0x16, 4);
        HV_CHECK_EQ(read.cr2, va);
        HV_CHECK_EQ(user.run(kStoreToRdi, sizeof kStoreToRdi, start).vector(), 14);
    }
}

HV_TEST(user_system_call_returns_and_calls_again) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    static unsigned calls;
    calls = 0;
    set_trap_hook(
        [](TrapFrame &frame, void *) {
            if (frame.vector != kVectorSyscall) return false;
            frame.rax = ++calls;
            return calls < 1000;
        },
        nullptr);
    const u8 code[] = {0x0f, 0x05, 0xeb, 0xfc};  // 1: syscall; jmp 1b
    const Fault fault = user.run(code);
    HV_CHECK_EQ(fault.vector(), kVectorSyscall);
    HV_CHECK_EQ(calls, 1000);
}

HV_TEST(user_flags_survive_the_round_trip) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rflags |= 0x8d5 | 0x400;  // arithmetic flags and DF
    const Fault fault = user.run(kUd2, sizeof kUd2, start);
    HV_CHECK_EQ(fault.vector(), 6);
    HV_CHECK_EQ(fault.frame.rflags & 0xcd5, 0xcd5);
}

HV_TEST(user_iopl_and_vm_in_the_iret_frame_are_ignored) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rflags |= 0x3000 | 0x20000;
    const Fault fault = user.run(kCli, sizeof kCli, start);
    HV_CHECK_EQ(fault.vector(), 13);
    HV_CHECK_EQ(fault.frame.rflags & 0x23000, 0);
}

HV_TEST(user_single_step_traps_after_one_instruction) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rflags |= 0x100;
    const u8 code[] = {0x90, 0x90, 0x0f, 0x0b};
    const Fault fault = user.run(code, sizeof code, start);
    HV_CHECK_EQ(fault.vector(), 1);
    HV_CHECK_EQ(fault.frame.rip, kUserCode + 1);
}

HV_TEST(user_non_canonical_rip_is_a_fault_not_a_crash) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rip = kNonCanonical;
    const Fault fault = user.run(kUd2, sizeof kUd2, start);
    HV_CHECK(fault.vector() == 13 || fault.vector() == 14);
}

HV_TEST(user_hypervisor_rip_is_a_fault_not_a_crash) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    TrapFrame start = user.initial_frame();
    start.rip = 0xffff82d040200000;
    const Fault fault = user.run(kUd2, sizeof kUd2, start);
    HV_CHECK_EQ(fault.vector(), 14);
}

HV_TEST(user_bad_selectors_in_the_iret_frame_are_a_fault_not_a_crash) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    for (const u64 selector : {0x3UL, 0x13UL, 0xe02bUL, 0xe00bUL, 0xe013UL, 0xffffUL, 0x7UL}) {
        TrapFrame start = user.initial_frame();
        start.cs = selector;
        const Fault fault = user.run(kUd2, sizeof kUd2, start);
        HV_CHECK_EQ(fault.vector(), 13);
    }
    for (const u64 selector : {0x13UL, 0xe033UL, 0xe00bUL, 0xffffUL, 0x7UL}) {
        TrapFrame start = user.initial_frame();
        start.ss = selector;
        const Fault fault = user.run(kUd2, sizeof kUd2, start);
        HV_CHECK(fault.vector() == 13 || fault.vector() == 12);
    }
}

HV_TEST(user_bad_stack_pointers_are_harmless_to_an_exception) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    for (const u64 rsp : {0UL, kNonCanonical, kHypervisorStart, 0xffff82d040200000UL}) {
        TrapFrame start = user.initial_frame();
        start.rsp = rsp;
        const Fault fault = user.run(kUd2, sizeof kUd2, start);
        HV_CHECK_EQ(fault.vector(), 6);
        HV_CHECK_EQ(fault.frame.rsp, rsp);
    }
}

}  // namespace hospes::guest
