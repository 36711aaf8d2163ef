// SPDX-License-Identifier: Apache-2.0
// Privileged instructions of a PV kernel: emulated where stock kernels execute them, a fault where not.
#include "support.hpp"

namespace hospes::guest {
namespace {

struct Cpuid {
    u32 eax, ebx, ecx, edx;
};

Cpuid forced_cpuid(u32 leaf, u32 subleaf = 0) {
    Cpuid out{leaf, 0, subleaf, 0};
    asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2" : "+a"(out.eax), "=b"(out.ebx), "+c"(out.ecx), "=d"(out.edx));
    return out;
}

u64 read_msr(u32 msr) {
    u32 low = 0, high = 0;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (static_cast<u64>(high) << 32) | low;
}

void write_msr(u32 msr, u64 value) {
    asm volatile("wrmsr" : : "c"(msr), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)) : "memory");
}

Fault fault_of_read_msr(u32 msr) {
    return catch_fault([msr] { static_cast<void>(read_msr(msr)); });
}

Fault fault_of_write_msr(u32 msr, u64 value) {
    return catch_fault([msr, value] { write_msr(msr, value); });
}

u64 read_cr4() {
    u64 value = 0;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

long set_iopl(u32 level) {
    physdev_set_iopl_t request{level};
    return hv::physdev_op(PHYSDEVOP_set_iopl, &request);
}

}  // namespace

HV_TEST(privileged_cr0_is_protected_mode_with_paging) {
    u64 cr0 = 0;
    HV_REQUIRE(!catch_fault([&cr0] { asm volatile("mov %%cr0, %0" : "=r"(cr0)); }).happened);
    HV_CHECK_EQ(cr0 & 0x80010023, 0x80010023);  // PG WP NE MP PE
    HV_CHECK_EQ(cr0 & 8, 0);
}

HV_TEST(privileged_clts_clears_what_taskswitch_set) {
    u64 cr0 = 0;
    HV_REQUIRE_EQ(hypercall(__HYPERVISOR_fpu_taskswitch, 1), 0);
    HV_REQUIRE(!catch_fault([&cr0] { asm volatile("mov %%cr0, %0" : "=r"(cr0)); }).happened);
    HV_CHECK_EQ(cr0 & 8, 8);
    HV_REQUIRE(!catch_fault([] { asm volatile("clts"); }).happened);
    HV_CHECK(!catch_fault([] { asm volatile("fnop"); }).happened);
}

HV_TEST(privileged_cr2_is_the_last_fault_address) {
    HV_REQUIRE_EQ(catch_fault([] { asm volatile("mov 0x2468, %%eax" : : : "eax"); }).vector(), 14);
    u64 cr2 = 0;
    HV_REQUIRE(!catch_fault([&cr2] { asm volatile("mov %%cr2, %0" : "=r"(cr2)); }).happened);
    HV_CHECK_EQ(cr2, 0x2468);
    HV_CHECK_EQ(vcpu_info().arch.cr2, 0x2468);
}

HV_TEST(privileged_cr3_names_the_root) {
    HV_CHECK(current_root() == mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base)));
}

HV_TEST(privileged_cr4_is_readable_and_keeps_its_value) {
    const u64 before = read_cr4();
    HV_CHECK_EQ(before & 0x620, 0x620);  // PAE OSFXSR OSXMMEXCPT
    HV_CHECK_EQ(before & 0x302000, 0);   // no VMXE SMEP SMAP
    HV_CHECK(!catch_fault([before] { asm volatile("mov %0, %%cr4" : : "r"(before)); }).happened);
    HV_CHECK_EQ(read_cr4(), before);
}

HV_TEST(privileged_cr4_write_cannot_turn_paging_features_off) {
    const u64 before = read_cr4();
    static_cast<void>(catch_fault([] { asm volatile("mov %0, %%cr4" : : "r"(0UL)); }));
    HV_CHECK_EQ(read_cr4() & 0x620, 0x620);
    static_cast<void>(catch_fault([] { asm volatile("mov %0, %%cr4" : : "r"(~0UL)); }));
    HV_CHECK_EQ(read_cr4() & 0x302000, 0);
    static_cast<void>(catch_fault([before] { asm volatile("mov %0, %%cr4" : : "r"(before)); }));
    HV_CHECK_EQ(read_cr4(), before);
}

HV_TEST(privileged_cr3_write_of_garbage_does_not_change_the_root) {
    const Mfn before = current_root();
    static_cast<void>(catch_fault([] { asm volatile("mov %0, %%cr3" : : "r"(maddr(kNoSuchMfn) & kFrameMask) : "memory"); }));
    HV_CHECK(current_root() == before);
}

HV_TEST(privileged_cli_and_sti_need_an_io_privilege_level) {
    HV_REQUIRE_EQ(set_iopl(0), 0);
    HV_CHECK_EQ(catch_fault([] { asm volatile("cli"); }).vector(), 13);
    HV_CHECK_EQ(catch_fault([] { asm volatile("sti"); }).vector(), 13);
    HV_REQUIRE_EQ(set_iopl(1), 0);
    HV_CHECK(!catch_fault([] { asm volatile("cli\n sti"); }).happened);
}

HV_TEST(privileged_cli_and_sti_leave_the_upcall_mask_alone) {
    HV_REQUIRE_EQ(set_iopl(1), 0);
    events_enable();
    HV_CHECK(!catch_fault([] { asm volatile("cli"); }).happened);
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_mask, 0);
    events_disable();
    HV_CHECK(!catch_fault([] { asm volatile("sti"); }).happened);
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_mask, 1);
}

HV_TEST(privileged_iopl_above_3_is_einval) {
    HV_CHECK_EQ(set_iopl(4), kEINVAL);
    HV_CHECK_EQ(set_iopl(1), 0);
}

HV_TEST(privileged_absent_ports_read_all_ones) {
    HV_REQUIRE_EQ(set_iopl(1), 0);
    u8 value = 0;
    HV_REQUIRE(!catch_fault([&value] { asm volatile("inb %w1, %0" : "=a"(value) : "Nd"(0x2f0)); }).happened);
    HV_CHECK_EQ(value, 0xff);
    u32 wide = 0;
    HV_REQUIRE(!catch_fault([&wide] { asm volatile("inl %w1, %0" : "=a"(wide) : "Nd"(0x2f0)); }).happened);
    HV_CHECK_EQ(wide, 0xffffffff);
    HV_CHECK(!catch_fault([] { asm volatile("outb %0, %w1" : : "a"(u8{0}), "Nd"(0x2f0)); }).happened);
}

HV_TEST(privileged_interrupt_controller_ports_are_not_the_guests) {
    HV_REQUIRE_EQ(set_iopl(1), 0);
    u8 value = 0;
    HV_REQUIRE(!catch_fault([&value] { asm volatile("inb $0x21, %0" : "=a"(value)); }).happened);
    HV_CHECK_EQ(value, 0xff);
    HV_CHECK(!catch_fault([] { asm volatile("outb %0, $0x21" : : "a"(u8{0xff})); }).happened);
}

HV_TEST(privileged_forced_cpuid_names_the_hypervisor) {
    const Cpuid top = forced_cpuid(0x40000000);
    HV_CHECK_EQ(top.ebx, 0x566e6558);  // XenV
    HV_CHECK_EQ(top.ecx, 0x65584d4d);  // MMXe
    HV_CHECK_EQ(top.edx, 0x4d4d566e);  // nVMM
    HV_CHECK(top.eax >= 0x40000003 && top.eax <= 0x40000005);
    HV_CHECK_EQ(forced_cpuid(0x40000001).eax, 0x00040011);
}

HV_TEST(privileged_forced_cpuid_hides_what_pv_cannot_have) {
    HV_CHECK(forced_cpuid(0).eax >= 7);
    const Cpuid one = forced_cpuid(1);
    HV_CHECK_EQ(one.edx & (1u << 3), 0);                    // PSE
    HV_CHECK_EQ(one.edx & (1u << 13), 0);                   // PGE
    HV_CHECK_EQ(one.ecx & (1u << 17 | 1u << 24), 0);        // PCID, TSC deadline
    HV_CHECK_EQ(one.ecx & (1u << 31), 1u << 31);            // hypervisor
    HV_CHECK_EQ(one.edx & (1u << 0 | 1u << 6 | 1u << 24), 1u << 0 | 1u << 6 | 1u << 24);  // FPU PAE FXSR
    const Cpuid seven = forced_cpuid(7);
    HV_CHECK_EQ(seven.ebx & (1u << 7 | 1u << 20 | 1u << 10), 0);  // SMEP SMAP INVPCID
    const Cpuid extended = forced_cpuid(0x80000001);
    HV_CHECK_EQ(extended.edx & (1u << 29 | 1u << 11), 1u << 29 | 1u << 11);  // LM SYSCALL
    HV_CHECK_EQ(extended.edx & (1u << 26), 0);                               // 1 GiB pages
    HV_CHECK_EQ(extended.ecx & (1u << 2), 0);                                // SVM
}

HV_TEST(privileged_forced_cpuid_skips_seven_bytes) {
    u64 after = 0;
    const Fault fault = catch_fault([&after] {
        asm volatile("xor %%eax, %%eax\n .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2\n movq $7, %0"
                     : "=m"(after) : : "rax", "rbx", "rcx", "rdx");
    });
    HV_CHECK(!fault.happened);
    HV_CHECK_EQ(after, 7);
}

HV_TEST(privileged_incomplete_forced_cpuid_is_an_invalid_opcode) {
    const Fault fault = catch_fault([] { asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x90"); });
    HV_CHECK_EQ(fault.vector(), 6);
}

HV_TEST(privileged_native_cpuid_executes) {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
    HV_CHECK(!catch_fault([&] { asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx)); }).happened);
    HV_CHECK(eax >= 1);
}

HV_TEST(privileged_msr_pat_is_the_hypervisors) { HV_CHECK_EQ(read_msr(0x277), 0x0000050100070406); }

HV_TEST(privileged_msr_efer_is_long_mode) { HV_CHECK_EQ(read_msr(0xc0000080) & 0xd01, 0xd01); }

HV_TEST(privileged_msr_apic_base_marks_the_first_vcpu) { HV_CHECK_EQ(read_msr(0x1b) & 0xfffff900, 0xfee00900); }

HV_TEST(privileged_msr_fs_and_gs_base_round_trip) {
    for (const u32 msr : {0xc0000100U, 0xc0000101U, 0xc0000102U}) {
        HV_REQUIRE(!fault_of_write_msr(msr, 0x123456000).happened);
        HV_CHECK_EQ(read_msr(msr), 0x123456000);
        HV_CHECK_EQ(fault_of_write_msr(msr, kNonCanonical).vector(), 13);
        HV_CHECK_EQ(read_msr(msr), 0x123456000);
        HV_CHECK(!fault_of_write_msr(msr, 0).happened);
    }
}

HV_TEST(privileged_msr_gs_base_takes_effect_at_once) {
    static u64 cell = 0xcafe;
    u64 seen = 0;
    HV_REQUIRE(!fault_of_write_msr(0xc0000101, address_of(&cell)).happened);
    asm volatile("mov %%gs:0, %0" : "=r"(seen));
    HV_CHECK_EQ(seen, 0xcafe);
    HV_CHECK(!fault_of_write_msr(0xc0000101, 0).happened);
}

HV_TEST(privileged_msr_unknown_is_a_general_protection_fault) {
    for (const u32 msr : {0xc0000082U, 0x174U, 0x12345678U, 0x802U, 0x6e0U, 0xc0000081U}) {
        const Fault read = fault_of_read_msr(msr);
        HV_CHECK_EQ(read.vector(), 13);
        HV_CHECK_EQ(read.frame.error_code, 0);
        HV_CHECK_EQ(fault_of_write_msr(msr, 0x1000).vector(), 13);
    }
}

HV_TEST(privileged_descriptor_table_loads_fault) {
    static u8 image[16];
    HV_CHECK_EQ(catch_fault([] { asm volatile("lgdt %0" : : "m"(image)); }).vector(), 13);
    HV_CHECK_EQ(catch_fault([] { asm volatile("lidt %0" : : "m"(image)); }).vector(), 13);
    HV_CHECK_EQ(catch_fault([] { asm volatile("lldt %w0" : : "r"(0)); }).vector(), 13);
    HV_CHECK_EQ(catch_fault([] { asm volatile("ltr %w0" : : "r"(0)); }).vector(), 13);
    HV_CHECK_EQ(catch_fault([] { asm volatile("swapgs"); }).vector(), 13);
    HV_CHECK_EQ(catch_fault([] { asm volatile("hlt"); }).vector(), 13);
}

HV_TEST(privileged_xsetbv_accepts_x87_and_sse_and_refuses_nonsense) {
    HV_SKIP_IF((forced_cpuid(1).ecx & (1u << 27)) == 0, "XSAVE is not offered");
    const auto set = [](u32 index, u32 low) {
        return catch_fault([=] { asm volatile("xsetbv" : : "c"(index), "a"(low), "d"(0)); });
    };
    const u64 cr4 = read_cr4();
    HV_REQUIRE(!catch_fault([cr4] { asm volatile("mov %0, %%cr4" : : "r"(cr4 | 1UL << 18)); }).happened);
    HV_CHECK_EQ(read_cr4() & (1UL << 18), 1UL << 18);
    HV_CHECK(!set(0, 3).happened);
    HV_CHECK_EQ(set(0, 0).vector(), 13);  // x87 must be on
    HV_CHECK_EQ(set(0, 5).vector(), 13);  // AVX without SSE
    HV_CHECK_EQ(set(1, 3).vector(), 13);
    HV_CHECK(!set(0, 3).happened);
}

HV_TEST(privileged_wbinvd_executes) { HV_CHECK(!catch_fault([] { asm volatile("wbinvd"); }).happened); }

HV_TEST(privileged_debug_registers_round_trip) {
    u64 value = 0;
    HV_REQUIRE(!catch_fault([] { asm volatile("mov %0, %%dr0" : : "r"(0x1234000UL)); }).happened);
    HV_REQUIRE(!catch_fault([&value] { asm volatile("mov %%dr0, %0" : "=r"(value)); }).happened);
    HV_CHECK_EQ(value, 0x1234000);
    HV_CHECK(!catch_fault([] { asm volatile("mov %0, %%dr0" : : "r"(0UL)); }).happened);
}

HV_TEST(privileged_tsc_is_readable) {
    const u64 first = read_tsc();
    HV_CHECK(read_tsc() > first);
}

HV_TEST(privileged_page_crossing_instruction_is_emulated) {
    // RDMSR with one byte on each side of a page boundary.
    const Window window;
    const Page low, high;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(low.mfn(), kWritablePage)), 0);
    HV_REQUIRE_EQ(window.map(1, entry(high.mfn(), kWritablePage)), 0);
    static_cast<u8 *>(low.data())[kPageSize - 1] = 0x0f;
    static_cast<u8 *>(high.data())[0] = 0x32;
    static_cast<u8 *>(high.data())[1] = 0xc3;
    const u64 code = window.va(1) - 1;
    u32 eax = 0, edx = 0;
    HV_CHECK(!catch_fault([&] { asm volatile("call *%2" : "=a"(eax), "=d"(edx) : "r"(code), "c"(0x277) : "memory"); }).happened);
    HV_CHECK_EQ(eax, 0x00070406);
    HV_CHECK_EQ(window.map(0, 0), 0);
    HV_CHECK_EQ(window.map(1, 0), 0);
}

}  // namespace hospes::guest
