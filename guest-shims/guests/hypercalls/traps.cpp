// SPDX-License-Identifier: Apache-2.0
// set_trap_table (hypercall 0) and exceptions in guest-kernel mode.
#include "support.hpp"

namespace hospes::guest {

HV_TEST(trap_divide_error) {
    const Fault fault = catch_fault([] { asm volatile("xor %%ecx, %%ecx\n div %%ecx" : : : "eax", "ecx", "edx"); });
    HV_CHECK_EQ(fault.vector(), 0);
    HV_CHECK_EQ(fault.frame.error_code, 0);
}

HV_TEST(trap_invalid_opcode_points_at_the_instruction) {
    u64 at = 0;
    const Fault fault = catch_fault([&at] { asm volatile("lea 1f(%%rip), %%rax\n mov %%rax, %0\n 1: ud2" : "=m"(at) : : "rax"); });
    HV_CHECK_EQ(fault.vector(), 6);
    HV_CHECK_EQ(fault.frame.rip, at);
}

HV_TEST(trap_breakpoint_points_behind_the_instruction) {
    u64 at = 0;
    const Fault fault = catch_fault([&at] { asm volatile("lea 1f(%%rip), %%rax\n mov %%rax, %0\n int3\n 1:" : "=m"(at) : : "rax"); });
    HV_CHECK_EQ(fault.vector(), 3);
    HV_CHECK_EQ(fault.frame.rip, at);
}

HV_TEST(trap_int_4_is_overflow) {
    HV_CHECK_EQ(catch_fault([] { asm volatile("int $4"); }).vector(), 4);
}

HV_TEST(trap_int_80_reaches_its_handler_from_the_kernel) {
    u64 at = 0;
    const Fault fault = catch_fault([&at] { asm volatile("lea 1f(%%rip), %%rax\n mov %%rax, %0\n int $0x80\n 1:" : "=m"(at) : : "rax"); });
    HV_CHECK_EQ(fault.vector(), 128);
    HV_CHECK_EQ(fault.frame.rip, at);
}

HV_TEST(trap_int_without_handler_is_a_general_protection_fault) {
    HV_CHECK_EQ(catch_fault([] { asm volatile("int $0xe0"); }).vector(), 13);
}

HV_TEST(trap_single_step_in_the_kernel) {
    const Fault fault = catch_fault([] { asm volatile("pushf\n orl $0x100, (%%rsp)\n popf\n nop\n nop" : : : "memory"); });
    HV_CHECK_EQ(fault.vector(), 1);
}

/// The step ends behind SYSCALL where SYSRET brings TF back, one instruction later where IRET does.
HV_TEST(trap_single_step_goes_on_after_a_hypercall) {
    u64 at = 0;
    const Fault fault = catch_fault([&at] {
        u64 number = __HYPERVISOR_xen_version;
        asm volatile("lea 1f(%%rip), %%rcx\n mov %%rcx, %1\n pushf\n orl $0x100, (%%rsp)\n popf\n syscall\n 1: nop\n nop"
                     : "+a"(number), "=m"(at)
                     : "D"(XENVER_version)
                     : "rcx", "r11", "memory");
    });
    HV_CHECK_EQ(fault.vector(), 1);
    HV_CHECK(fault.frame.rip - at <= 1);
    HV_CHECK_EQ(fault.frame.rax, 0x40011);
}

/// SYSCALL as the last instruction of the lower half: the address behind it is not canonical, and SYSRET must not be given it.
HV_TEST(trap_hypercall_at_the_end_of_the_lower_half) {
    const Window last(255);
    const Page code;
    HV_REQUIRE(last.usable());
    memcpy(static_cast<u8 *>(code.data()) + kPageSize - 2, "\x0f\x05", 2);
    HV_REQUIRE(hv::mmu_update_one(last.l3.slot(511), entry(last.l2.mfn(), kTableEntry)) == 0);
    HV_REQUIRE(hv::mmu_update_one(last.l2.slot(511), entry(last.l1.mfn(), kTableEntry)) == 0);
    HV_REQUIRE(last.map(511, entry(code.mfn(), kReadOnlyPage)) == 0);
    const Fault fault = catch_fault([] {
        u64 number = __HYPERVISOR_xen_version;
        asm volatile("jmp *%1" : "+a"(number) : "r"(0x7ffffffffffe), "D"(XENVER_version) : "rcx", "r11", "memory");
    });
    HV_CHECK(fault.vector() == 13 || fault.vector() == 14);
    HV_CHECK_EQ(fault.frame.rip, 0x800000000000);
    HV_CHECK_EQ(fault.frame.rax, 0x40011);
}

HV_TEST(trap_non_canonical_access) {
    // #SS for a stack reference, #GP else; QEMU 7.2 gives #GP for both.
    const Fault fault = catch_fault([] { asm volatile("mov (%0), %%rax" : : "r"(kNonCanonical) : "rax"); });
    HV_CHECK_EQ(fault.vector(), 13);
    HV_CHECK_EQ(fault.frame.error_code, 0);
}

HV_TEST(trap_page_fault_in_the_hypervisor_range) {
    for (const u64 va : {0xffff82d040200000UL, kHypervisorStart + 0x20000000000, kHypervisorEnd - 8}) {
        const Fault read = catch_fault([va] { asm volatile("mov (%0), %%rax" : : "r"(va) : "rax"); });
        HV_CHECK_EQ(read.vector(), 14);
        HV_CHECK_EQ(read.frame.error_code & 0x16, 0);
        HV_CHECK_EQ(read.cr2, va);
        const Fault write = catch_fault([va] { asm volatile("mov %%rax, (%0)" : : "r"(va) : "memory"); });
        HV_CHECK_EQ(write.vector(), 14);
        HV_CHECK_EQ(write.frame.error_code & 0x16, 2);
    }
}

HV_TEST(trap_write_to_the_machine_to_physical_table) {
    const Mfn own = mfn_of_address(&start_info());
    const u64 va = kHypervisorStart + raw(own) * 8;
    const Fault fault = catch_fault([va] { *reinterpret_cast<volatile u64 *>(va) = 0; });
    HV_CHECK_EQ(fault.vector(), 14);
    HV_CHECK_EQ(fault.frame.error_code, 3);
    HV_CHECK(mfn_of(pfn_of(own)) == own);
}

HV_TEST(trap_hole_of_the_machine_to_physical_table_faults) {
    const Fault fault = catch_fault([] { static_cast<void>(*reinterpret_cast<volatile u64 *>(kHypervisorStart + 0x3ffffff000)); });
    HV_CHECK_EQ(fault.vector(), 14);
}

HV_TEST(trap_frame_tells_kernel_mode_stack_and_mask) {
    events_disable();
    const Fault masked = catch_fault([] { asm volatile("ud2"); });
    HV_CHECK_EQ(masked.frame.cs & 0xffff, kKernelCs);
    HV_CHECK_EQ(masked.frame.ss & 0xffff, kFlatSs);
    HV_CHECK_EQ(masked.frame.saved_upcall_mask(), 1);
    HV_CHECK_EQ(masked.frame.rflags & 0x200, 0);
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_mask, 1);
    events_enable();
    const Fault open = catch_fault([] { asm volatile("ud2"); });
    HV_CHECK_EQ(open.frame.saved_upcall_mask(), 0);
    HV_CHECK_EQ(open.frame.rflags & 0x200, 0x200);
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_mask, 0);
    events_disable();
}

HV_TEST(trap_frame_is_pushed_below_the_interrupted_stack) {
    static u64 frame_at;
    set_trap_hook(
        [](TrapFrame &frame, void *) {
            frame_at = address_of(&frame);
            return false;
        },
        nullptr);
    const Fault fault = catch_fault([] { asm volatile("ud2"); });
    HV_CHECK(frame_at < fault.frame.rsp);
    HV_CHECK_EQ((frame_at + sizeof(TrapFrame)) & 15, 0);
    HV_CHECK_EQ((fault.frame.rsp & ~15ULL) - frame_at, sizeof(TrapFrame));
}

HV_TEST(trap_flags_that_would_harm_the_handler_are_cleared) {
    static u64 flags_seen;
    set_trap_hook(
        [](TrapFrame &, void *) {
            asm volatile("pushf\n pop %0" : "=r"(flags_seen));
            return false;
        },
        nullptr);
    const Fault fault = catch_fault([] { asm volatile("pushf\n orl $0x44000, (%%rsp)\n popf\n ud2" : : : "memory"); });
    HV_CHECK_EQ(fault.vector(), 6);
    HV_CHECK_EQ(fault.frame.rflags & 0x44000, 0x44000);
    HV_CHECK_EQ(flags_seen & 0x44100, 0);
}

HV_TEST(trap_handler_without_the_mask_flag_leaves_upcalls_on) {
    trap_info_t table[2] = {trap_table()[6], {}};
    table[0].flags = 0;
    HV_REQUIRE_EQ(hv::set_trap_table(table), 0);
    static u8 mask_seen;
    mask_seen = 0xff;
    set_trap_hook(
        [](TrapFrame &, void *) {
            mask_seen = vcpu_info().evtchn_upcall_mask;
            return false;
        },
        nullptr);
    events_enable();
    HV_CHECK_EQ(catch_fault([] { asm volatile("ud2"); }).vector(), 6);
    HV_CHECK_EQ(mask_seen, 0);
    events_disable();
    HV_CHECK_EQ(hv::set_trap_table(trap_table()), 0);
}

HV_TEST(trap_table_entries_that_are_not_listed_stay) {
    trap_info_t table[2] = {trap_table()[0], {}};
    HV_REQUIRE_EQ(hv::set_trap_table(table), 0);
    HV_CHECK_EQ(catch_fault([] { asm volatile("ud2"); }).vector(), 6);
}

HV_TEST(trap_table_bad_pointers_are_efault) {
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_set_trap_table, bad), kEFAULT);
    HV_CHECK_EQ(catch_fault([] { asm volatile("ud2"); }).vector(), 6);
}

HV_TEST(trap_table_non_canonical_handler_is_einval) {
    trap_info_t table[2] = {trap_table()[6], {}};
    table[0].address = kNonCanonical;
    HV_CHECK_EQ(hv::set_trap_table(table), kEINVAL);
    HV_CHECK_EQ(hv::set_trap_table(trap_table()), 0);
}

HV_TEST(trap_table_cleared_by_null_and_set_again) {
    HV_CHECK_EQ(hv::set_trap_table(nullptr), 0);
    HV_REQUIRE_EQ(hv::set_trap_table(trap_table()), 0);
    HV_CHECK_EQ(catch_fault([] { asm volatile("ud2"); }).vector(), 6);
}

HV_TEST(trap_device_not_available_by_fpu_taskswitch) {
    HV_REQUIRE_EQ(hypercall(__HYPERVISOR_fpu_taskswitch, 1), 0);
    const Fault fault = catch_fault([] { asm volatile("fnop"); });
    HV_CHECK_EQ(fault.vector(), 7);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_fpu_taskswitch, 0), 0);
    HV_CHECK(!catch_fault([] { asm volatile("fnop"); }).happened);
}

HV_TEST(trap_x87_error) {
    const Fault fault = catch_fault([] {
        const u16 control = 0x37b;  // zero divide unmasked
        asm volatile("fninit\n fldcw %0\n fld1\n fldz\n fdivrp\n fwait\n" : : "m"(control));
    });
    asm volatile("fninit");
    HV_CHECK_EQ(fault.vector(), 16);
}

HV_TEST(trap_iretq_within_the_kernel_is_native) {
    u64 reached = 0;
    const Fault fault = catch_fault([&reached] {
        asm volatile(
            "mov %%rsp, %%rcx\n mov %%ss, %%eax\n push %%rax\n push %%rcx\n pushf\n mov %%cs, %%eax\n push %%rax\n lea 1f(%%rip), %%rax\n push %%rax\n"
            "iretq\n 1: movq $1, %0"
            : "=m"(reached)
            :
            : "rax", "rcx", "memory");
    });
    HV_CHECK(!fault.happened);
    HV_CHECK_EQ(reached, 1);
}

}  // namespace hospes::guest
