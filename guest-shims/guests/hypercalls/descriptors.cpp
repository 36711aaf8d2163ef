// SPDX-License-Identifier: Apache-2.0
// set_gdt (2), update_descriptor (10), MMUEXT_SET_LDT, set_segment_base (25).
#include "support.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kCode64 = 0x00affb000000ffff, kData = 0x00cff3000000ffff;  // flat, DPL 3
constexpr u64 kCode64Dpl0 = 0x00af9b000000ffff;
constexpr u64 kGate = 0x0000e00000001000;  // present, DPL 3, offset 0x1000
constexpr u64 kCallGateToHypervisor = kGate | 0xcULL << 40 | 0xe008ULL << 16, kInterruptGate = kGate | 0xeULL << 40 | 0xe033ULL << 16;
constexpr u64 kTss = 0x0000e90000000067, kLdt = 0x0000e20000000fff;

/// The boot state: no frames of our own.
long restore_gdt() { return hv::set_gdt(nullptr, 0); }

u16 read_gs() {
    u16 value = 0;
    asm volatile("mov %%gs, %0" : "=r"(value));
    return value;
}
void write_gs(u16 value) { asm volatile("mov %0, %%gs" : : "r"(value)); }

long set_gdt_of(const Page &page, u64 entries) {
    const u64 frame = raw(page.mfn());
    return hv::set_gdt(&frame, entries);
}

long set_ldt(u64 base, u64 entries) { return hv::mmuext_linear(MMUEXT_SET_LDT, base, entries); }

}  // namespace

HV_TEST(gdt_of_own_descriptors_can_be_loaded) {
    const Page gdt;
    gdt[2] = kData;
    HV_REQUIRE_EQ(gdt.make_read_only(), 0);
    HV_REQUIRE_EQ(set_gdt_of(gdt, 16), 0);
    HV_CHECK(!catch_fault([] { write_gs(0x13); }).happened);
    HV_CHECK_EQ(read_gs(), 0x13);
    write_gs(0);
    HV_CHECK(gdt.make_writable() < 0);
    HV_CHECK_EQ(restore_gdt(), 0);
}

HV_TEST(gdt_descriptors_of_privilege_0_are_raised_to_3) {
    const Page gdt;
    gdt[2] = kCode64Dpl0;
    HV_REQUIRE_EQ(gdt.make_read_only(), 0);
    HV_REQUIRE_EQ(set_gdt_of(gdt, 16), 0);
    HV_CHECK_EQ((gdt[2] >> 45) & 3, 3);
    HV_CHECK_EQ(restore_gdt(), 0);
}

HV_TEST(gdt_with_gates_or_system_segments_is_refused) {
    for (const u64 bad : {kCallGateToHypervisor, kInterruptGate, kTss, kLdt}) {
        const Page gdt;
        gdt[5] = bad;
        HV_REQUIRE_EQ(gdt.make_read_only(), 0);
        HV_CHECK(set_gdt_of(gdt, 16) < 0);
        HV_CHECK_EQ(gdt.make_writable(), 0);
    }
}

HV_TEST(gdt_of_a_writable_mapped_page_is_refused) {
    const Page gdt;
    HV_CHECK(set_gdt_of(gdt, 16) < 0);
}

HV_TEST(gdt_of_a_page_table_is_refused) {
    const u64 frame = raw(mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base)));
    HV_CHECK(hv::set_gdt(&frame, 16) < 0);
    const u64 missing = raw(kNoSuchMfn);
    HV_CHECK(hv::set_gdt(&missing, 16) < 0);
}

HV_TEST(gdt_with_too_many_entries_is_einval) {
    const Page gdt;
    HV_REQUIRE_EQ(gdt.make_read_only(), 0);
    HV_CHECK_EQ(set_gdt_of(gdt, 7169), kEINVAL);
    HV_CHECK_EQ(set_gdt_of(gdt, 0xffffffff), kEINVAL);
}

HV_TEST(gdt_bad_frame_lists_are_efault) {
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_set_gdt, bad, 16), kEFAULT);
}

HV_TEST(gdt_selectors_of_the_hypervisor_are_always_there) {
    u16 limit_ok = 0;
    for (const u32 selector : {0xe023U, 0xe02bU, 0xe033U}) {
        u32 rights = 0;
        bool valid = false;
        asm volatile("lar %2, %0" : "=r"(rights), "=@ccz"(valid) : "r"(selector));
        HV_CHECK(valid);
        ++limit_ok;
    }
    HV_CHECK_EQ(limit_ok, 3);
}

HV_TEST(gdt_selectors_of_the_hypervisor_kernel_cannot_be_loaded) {
    for (const u16 selector : {u16{0xe008}, u16{0xe010}, u16{0xe00b}, u16{0xe013}, u16{0xe038}, u16{0xe03b}})
        HV_CHECK_EQ(catch_fault([selector] { write_gs(selector); }).vector(), 13);
}

HV_TEST(descriptor_update_of_a_gdt_page) {
    const Page gdt;
    HV_REQUIRE_EQ(gdt.make_read_only(), 0);
    HV_REQUIRE_EQ(set_gdt_of(gdt, 16), 0);
    HV_CHECK_EQ(hv::update_descriptor(gdt.slot(4), kData), 0);
    HV_CHECK_EQ(gdt[4] & ~(1ULL << 40), kData & ~(1ULL << 40));
    HV_CHECK(!catch_fault([] { write_gs(0x23); }).happened);
    write_gs(0);
    HV_CHECK_EQ(hv::update_descriptor(gdt.slot(4), 0), 0);
    HV_CHECK_EQ(catch_fault([] { write_gs(0x23); }).vector(), 13);
    HV_CHECK_EQ(restore_gdt(), 0);
}

HV_TEST(descriptor_update_with_bad_descriptors_is_refused) {
    const Page gdt;
    HV_REQUIRE_EQ(gdt.make_read_only(), 0);
    HV_REQUIRE_EQ(set_gdt_of(gdt, 16), 0);
    for (const u64 bad : {kCallGateToHypervisor, kInterruptGate, kTss, kLdt}) {
        HV_CHECK_EQ(hv::update_descriptor(gdt.slot(4), bad), kEINVAL);
        HV_CHECK_EQ(gdt[4], 0);
    }
    HV_CHECK_EQ(restore_gdt(), 0);
}

HV_TEST(descriptor_update_of_wrong_places_is_refused) {
    const Page gdt;
    HV_CHECK_EQ(hv::update_descriptor(gdt.slot(4) + 4, kData), kEINVAL);
    HV_CHECK_EQ(hv::update_descriptor(maddr(kNoSuchMfn) & kFrameMask, kData), kEINVAL);
    HV_CHECK_EQ(hv::update_descriptor(maddr(mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base))), kData), kEINVAL);
    const auto *root = reinterpret_cast<const u64 *>(start_info().pt_base);
    HV_CHECK_EQ(hv::update_descriptor(maddr(entry_mfn(root[256])), kData), kEINVAL);
}

HV_TEST(descriptor_update_of_an_ordinary_page_is_a_store) {
    const Page page;
    HV_CHECK_EQ(hv::update_descriptor(page.slot(4), kData), 0);
    HV_CHECK_EQ(page[4], kData);
}

HV_TEST(ldt_can_be_set_used_and_taken_away) {
    const Page ldt;
    ldt[1] = kData;
    HV_REQUIRE_EQ(ldt.make_read_only(), 0);
    HV_REQUIRE_EQ(set_ldt(ldt.va(), 8), 0);
    HV_CHECK(!catch_fault([] { write_gs(0x0f); }).happened);
    HV_CHECK_EQ(read_gs(), 0x0f);
    write_gs(0);
    HV_CHECK_EQ(set_ldt(0, 0), 0);
    HV_CHECK_EQ(catch_fault([] { write_gs(0x0f); }).vector(), 13);
}

HV_TEST(ldt_with_gates_is_refused_or_faults_when_it_is_used) {
    const Page ldt;
    ldt[1] = kData;
    ldt[2] = kInterruptGate;
    HV_REQUIRE_EQ(ldt.make_read_only(), 0);
    // Xen looks at the descriptors when they are first used.
    const long result = set_ldt(ldt.va(), 8);
    HV_CHECK(result < 0 || catch_fault([] { write_gs(0x0f); }).happened);
    write_gs(0);
    HV_CHECK_EQ(set_ldt(0, 0), 0);
}

HV_TEST(ldt_on_a_writable_page_is_refused_or_faults_when_it_is_used) {
    const Page ldt;
    ldt[1] = kData;
    // Xen looks at the descriptors when they are first used.
    const long result = set_ldt(ldt.va(), 8);
    HV_CHECK(result < 0 || catch_fault([] { write_gs(0x0f); }).happened);
    write_gs(0);
    HV_CHECK_EQ(set_ldt(0, 0), 0);
}

HV_TEST(ldt_bad_bases_and_counts_are_einval) {
    const Page ldt;
    HV_CHECK_EQ(set_ldt(ldt.va() + 8, 8), kEINVAL);
    HV_CHECK_EQ(set_ldt(ldt.va(), 8193), kEINVAL);
    HV_CHECK_EQ(set_ldt(kHypervisorStart, 8), kEINVAL);
    HV_CHECK_EQ(set_ldt(kNonCanonical, 8), kEINVAL);
    HV_CHECK_EQ(set_ldt(0, 0), 0);
}

HV_TEST(segment_base_of_the_kernel_gs_is_live) {
    static u64 cell = 0xbeef;
    u64 seen = 0;
    HV_REQUIRE_EQ(hv::set_segment_base(SEGBASE_GS_KERNEL, address_of(&cell)), 0);
    asm volatile("mov %%gs:0, %0" : "=r"(seen));
    HV_CHECK_EQ(seen, 0xbeef);
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_GS_KERNEL, 0), 0);
}

HV_TEST(segment_base_of_fs_is_live) {
    static u64 cell = 0xf00d;
    u64 seen = 0;
    HV_REQUIRE_EQ(hv::set_segment_base(SEGBASE_FS, address_of(&cell)), 0);
    asm volatile("mov %%fs:0, %0" : "=r"(seen));
    HV_CHECK_EQ(seen, 0xf00d);
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_FS, 0), 0);
}

HV_TEST(segment_base_of_user_gs_is_used_in_user_mode) {
    const UserSpace user;
    HV_REQUIRE(user.usable());
    user.data()[5] = 0x5a5a;
    HV_REQUIRE_EQ(hv::set_segment_base(SEGBASE_GS_USER, kUserData), 0);
    const u8 code[] = {0x65, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0, 0x0f, 0x05};  // mov %gs:0x28, %rax; syscall
    const Fault fault = user.run(code);
    HV_CHECK_EQ(fault.vector(), kVectorSyscall);
    HV_CHECK_EQ(fault.frame.rax, 0x5a5a);
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_GS_USER, 0), 0);
}

HV_TEST(segment_base_user_gs_selector) {
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_GS_USER_SEL, 0), 0);
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_GS_USER_SEL, kFlatSs), 0);
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_GS_USER_SEL, 0), 0);
}

HV_TEST(segment_base_errors) {
    HV_CHECK_EQ(hv::set_segment_base(4, 0), kEINVAL);
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_FS, kNonCanonical), kEINVAL);
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_GS_USER, kNonCanonical), kEINVAL);
    HV_CHECK_EQ(hv::set_segment_base(SEGBASE_GS_KERNEL, kNonCanonical), kEINVAL);
}

}  // namespace hospes::guest
