// SPDX-License-Identifier: Apache-2.0
// mmu_update (hypercall 1): checked stores to page tables of every level, the machine-to-physical table.
#include "support.hpp"

namespace hospes::guest {
namespace {

const u64 *boot_table() { return reinterpret_cast<const u64 *>(start_info().pt_base); }
Mfn boot_root() { return mfn_of_address(boot_table()); }
u64 root_slot(unsigned index) { return maddr(boot_root(), index * 8); }

}  // namespace

HV_TEST(mmu_update_level_1) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(hv::mmu_update_one(window.l1.slot(9), entry(page.mfn(), kWritablePage)), 0);
    *reinterpret_cast<volatile u64 *>(window.va(9)) = 0x77;
    HV_CHECK_EQ(page[0], 0x77);
    HV_CHECK_EQ(hv::mmu_update_one(window.l1.slot(9), 0), 0);
    HV_CHECK_EQ(hv::mmuext_linear(MMUEXT_INVLPG_LOCAL, window.va(9)), 0);
    const u64 va = window.va(9);
    HV_CHECK_EQ(catch_fault([va] { static_cast<void>(*reinterpret_cast<volatile u64 *>(va)); }).vector(), 14);
}

HV_TEST(mmu_update_levels_2_and_3) {
    const Window window;
    const Page l1, l2, page;
    HV_REQUIRE(window.usable());
    l1[0] = entry(page.mfn(), kWritablePage);
    l2[0] = entry(l1.mfn(), kTableEntry);
    HV_REQUIRE_EQ(l1.make_read_only(), 0);
    HV_REQUIRE_EQ(hv::mmu_update_one(window.l2.slot(1), entry(l1.mfn(), kTableEntry)), 0);
    *reinterpret_cast<volatile u64 *>(window.va(512)) = 0x88;
    HV_CHECK_EQ(page[0], 0x88);
    HV_REQUIRE_EQ(l2.make_read_only(), 0);
    HV_REQUIRE_EQ(hv::mmu_update_one(window.l3.slot(1), entry(l2.mfn(), kTableEntry)), 0);
    HV_CHECK_EQ(*reinterpret_cast<volatile u64 *>(window.va() + (1UL << 30)), 0x88);
    HV_CHECK(l1.make_writable() < 0);
    HV_CHECK_EQ(hv::mmu_update_one(window.l2.slot(1), 0), 0);
    HV_CHECK(l1.make_writable() < 0);
    HV_CHECK_EQ(hv::mmu_update_one(window.l3.slot(1), 0), 0);
    HV_CHECK_EQ(hv::mmuext_linear(MMUEXT_TLB_FLUSH_LOCAL, 0), 0);
}

HV_TEST(mmu_update_level_2_to_a_writable_page_fails) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_CHECK(hv::mmu_update_one(window.l2.slot(1), entry(page.mfn(), kTableEntry)) < 0);
    HV_CHECK(hv::mmu_update_one(window.l3.slot(1), entry(page.mfn(), kTableEntry)) < 0);
    HV_CHECK(hv::mmu_update_one(root_slot(301), entry(page.mfn(), kTableEntry)) < 0);
    HV_CHECK_EQ(window.l2[1], 0);
    HV_CHECK_EQ(window.l3[1], 0);
    HV_CHECK_EQ(boot_table()[301], 0);
}

HV_TEST(mmu_update_superpages_are_refused) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    const u64 large = entry(Mfn{raw(page.mfn()) & ~511ULL}, kWritablePage | kPse);
    HV_CHECK(hv::mmu_update_one(window.l2.slot(1), large) < 0);
    HV_CHECK(hv::mmu_update_one(window.l3.slot(1), large) < 0);
    HV_CHECK(hv::mmu_update_one(root_slot(301), large) < 0);
    HV_CHECK_EQ(window.l2[1], 0);
}

HV_TEST(mmu_update_superpage_bit_cannot_be_added_to_a_valid_entry) {
    const Window window;
    HV_REQUIRE(window.usable());
    const u64 before = window.l2[0];
    HV_CHECK(hv::mmu_update_one(window.l2.slot(0), before | kPse) < 0);
    HV_CHECK_EQ(window.l2[0], before);
    const u64 before_l3 = window.l3[0];
    HV_CHECK(hv::mmu_update_one(window.l3.slot(0), before_l3 | kPse) < 0);
    HV_CHECK_EQ(window.l3[0], before_l3);
}

HV_TEST(mmu_update_self_references_are_refused) {
    const Window window;
    HV_REQUIRE(window.usable());
    HV_CHECK(hv::mmu_update_one(root_slot(301), entry(boot_root(), kTableEntry)) < 0);
    HV_CHECK(hv::mmu_update_one(window.l3.slot(5), entry(window.l3.mfn(), kTableEntry)) < 0);
    HV_CHECK(hv::mmu_update_one(window.l2.slot(5), entry(window.l2.mfn(), kTableEntry)) < 0);
    HV_CHECK(hv::mmu_update_one(window.l1.slot(5), entry(window.l1.mfn(), kWritablePage)) < 0);
    HV_CHECK_EQ(boot_table()[301], 0);
}

HV_TEST(mmu_update_wrong_level_entries_are_refused) {
    const Window window;
    HV_REQUIRE(window.usable());
    HV_CHECK(hv::mmu_update_one(root_slot(301), entry(window.l2.mfn(), kTableEntry)) < 0);
    HV_CHECK(hv::mmu_update_one(root_slot(301), entry(window.l1.mfn(), kTableEntry)) < 0);
    HV_CHECK(hv::mmu_update_one(window.l3.slot(5), entry(window.l1.mfn(), kTableEntry)) < 0);
    HV_CHECK(hv::mmu_update_one(window.l2.slot(5), entry(window.l3.mfn(), kTableEntry)) < 0);
}

HV_TEST(mmu_update_flag_change_of_a_table_entry_is_checked) {
    // Dropping and adding RW on an entry whose table is shared: accepted for an honest table, and the table stays one.
    const Window window;
    HV_REQUIRE(window.usable());
    const u64 before = window.l2[0];
    HV_CHECK_EQ(hv::mmu_update_one(window.l2.slot(0), before & ~kWritable), 0);
    HV_CHECK_EQ(hv::mmu_update_one(window.l2.slot(0), before), 0);
    HV_CHECK_EQ(hv::mmu_update_one(window.l2.slot(0), before | kAvailable), 0);
    HV_CHECK_EQ(window.l2[0] & kAvailable, kAvailable);
    HV_CHECK_EQ(hv::mmu_update_one(window.l2.slot(0), before), 0);
    HV_CHECK(window.l1.make_writable() < 0);
}

HV_TEST(mmu_update_hypervisor_slots_cannot_be_changed) {
    const Page page;
    for (unsigned slot = 256; slot < 272; ++slot) {
        const u64 before = boot_table()[slot];
        HV_CHECK(hv::mmu_update_one(root_slot(slot), 0) < 0);
        HV_CHECK(hv::mmu_update_one(root_slot(slot), entry(page.mfn(), kTableEntry)) < 0);
        HV_CHECK_EQ(boot_table()[slot], before);
    }
    const Window below(255), above(272);
    HV_CHECK(below.usable());
    HV_CHECK(above.usable());
}

HV_TEST(mmu_update_hypervisor_tables_cannot_be_adopted) {
    const Window window;
    HV_REQUIRE(window.usable());
    const u64 stolen = boot_table()[256];
    HV_CHECK(hv::mmu_update_one(root_slot(301), stolen | kUser | kWritable) < 0);
    HV_CHECK(hv::mmu_update_one(root_slot(301), stolen) < 0);
    HV_CHECK(hv::mmu_update_one(window.l3.slot(5), stolen) < 0);
    HV_CHECK(hv::mmu_update_one(entry_mfn(stolen) == Mfn{0} ? 8 : maddr(entry_mfn(stolen)), 0) < 0);
}

HV_TEST(mmu_update_of_an_ordinary_page_is_a_plain_store) {
    const Page page;
    HV_CHECK_EQ(hv::mmu_update_one(page.slot(3), 0x1122334455667788), 0);
    HV_CHECK_EQ(page[3], 0x1122334455667788);
}

HV_TEST(mmu_update_unaligned_pointer_is_refused) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_CHECK(hv::mmu_update_one(window.l1.slot(3) + 4, entry(page.mfn(), kWritablePage)) < 0);
    HV_CHECK_EQ(window.l1[3], 0);
}

HV_TEST(mmu_update_of_frames_that_are_not_ours_fails) {
    HV_CHECK(hv::mmu_update_one(maddr(kNoSuchMfn) & kFrameMask, 0) < 0);
    HV_CHECK(hv::mmu_update_one(maddr(entry_mfn(boot_table()[256])), 0) < 0);
    HV_CHECK(hv::mmu_update_one(~7ULL, 0) < 0);
}

HV_TEST(mmu_update_reports_how_many_were_done) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    mmu_update_t requests[4];
    for (unsigned i = 0; i < 4; ++i) requests[i] = {window.l1.slot(i), entry(page.mfn(), kWritablePage)};
    u32 done = 99;
    HV_CHECK_EQ(hv::mmu_update(requests, 4, &done), 0);
    HV_CHECK_EQ(done, 4);
    for (unsigned i = 0; i < 4; ++i) requests[i].val = 0;
    requests[2].val = entry(kNoSuchMfn, kWritablePage);
    HV_CHECK(hv::mmu_update(requests, 4, &done) < 0);
    HV_CHECK_EQ(done, 2);
    HV_CHECK_EQ(window.l1[1], 0);
    HV_CHECK(window.l1[2] != 0);
    HV_CHECK(window.l1[3] != 0);
    requests[2].val = 0;
    HV_CHECK_EQ(hv::mmu_update(requests, 4, &done), 0);
    HV_CHECK_EQ(hv::mmu_update(requests, 0, &done), 0);
}

HV_TEST(mmu_update_bad_arrays_are_efault) {
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_mmu_update, bad, 1, 0, DOMID_SELF), kEFAULT);
}

HV_TEST(mmu_update_huge_counts_end_at_the_first_unreadable_request) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kWritablePage)), 0);
    const Page target;
    auto *requests = reinterpret_cast<mmu_update_t *>(window.va(0));
    for (unsigned i = 0; i < kPageSize / sizeof(mmu_update_t); ++i) requests[i] = {target.slot(0), i};
    u32 done = 0;
    HV_CHECK_EQ(hv::mmu_update(requests, 0x7fffffff, &done), kEFAULT);
    HV_CHECK_EQ(done, 256);
    HV_CHECK_EQ(target[0], 255);
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(mmu_update_unknown_domains_fail) {
    const Page page;
    HV_CHECK(hv::mmu_update_one(page.slot(0), 0, MMU_NORMAL_PT_UPDATE, 1234) < 0);
    HV_CHECK(hv::mmu_update_one(page.slot(0), 0, MMU_NORMAL_PT_UPDATE, DOMID_INVALID) < 0);
    HV_CHECK(hv::mmu_update_one(page.slot(0), 0, MMU_NORMAL_PT_UPDATE, 0x12350000 | DOMID_SELF) < 0);
}

HV_TEST(mmu_update_preserve_ad_keeps_accessed_and_dirty) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kPresent | kWritable)), 0);
    *reinterpret_cast<volatile u64 *>(window.va(0)) = 1;
    HV_CHECK_EQ(window.l1[0] & (kAccessed | kDirty), kAccessed | kDirty);
    HV_REQUIRE_EQ(hv::mmu_update_one(window.l1.slot(0), entry(page.mfn(), kPresent), MMU_PT_UPDATE_PRESERVE_AD), 0);
    HV_CHECK_EQ(window.l1[0] & (kAccessed | kDirty | kWritable), kAccessed | kDirty);
    HV_REQUIRE_EQ(hv::mmu_update_one(window.l1.slot(0), entry(page.mfn(), kPresent)), 0);
    HV_CHECK_EQ(window.l1[0] & (kAccessed | kDirty), 0);
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(mmu_update_machine_to_physical_of_an_own_frame) {
    const Page page;
    const Pfn before = pfn_of(page.mfn());
    HV_REQUIRE_EQ(hv::mmu_update_one(maddr(page.mfn()), 0x4321, MMU_MACHPHYS_UPDATE), 0);
    HV_CHECK(pfn_of(page.mfn()) == Pfn{0x4321});
    HV_CHECK_EQ(hv::mmu_update_one(maddr(page.mfn()), raw(before), MMU_MACHPHYS_UPDATE), 0);
    HV_CHECK(pfn_of(page.mfn()) == before);
}

HV_TEST(mmu_update_machine_to_physical_of_other_frames_fails) {
    HV_CHECK(hv::mmu_update_one(maddr(entry_mfn(boot_table()[256])), 1, MMU_MACHPHYS_UPDATE) < 0);
    HV_CHECK(hv::mmu_update_one(maddr(kNoSuchMfn) & kFrameMask, 1, MMU_MACHPHYS_UPDATE) < 0);
}

HV_TEST(mmu_update_interrupt_controllers_cannot_be_mapped_writable) {
    const Window window;
    HV_REQUIRE(window.usable());
    for (const Mfn mfn : {Mfn{0xfee00}, Mfn{0xfec00}}) {
        const long result = hv::mmu_update_one(window.l1.slot(0), entry(mfn, kWritablePage));
        HV_CHECK(result < 0 || (window.l1[0] & kWritable) == 0);  // Xen lets the I/O APIC be read
        HV_CHECK_EQ(hv::mmu_update_one(window.l1.slot(0), 0), 0);
    }
}

HV_TEST(mmu_update_initial_domain_may_map_device_memory) {
    HV_SKIP_IF(!is_initial_domain(), "only the initial domain owns devices");
    const Window window;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(hv::mmu_update_one(window.l1.slot(0), entry(Mfn{0xb8}, kWritablePage | kCacheDisable)), 0);
    HV_CHECK(!catch_fault([&window] { static_cast<void>(*reinterpret_cast<volatile u16 *>(window.va(0))); }).happened);
    HV_CHECK_EQ(hv::mmu_update_one(window.l1.slot(0), 0), 0);
}

}  // namespace hospes::guest
