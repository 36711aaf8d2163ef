// SPDX-License-Identifier: Apache-2.0
// update_va_mapping (hypercall 14): one level-1 entry of the current root.
#include "support.hpp"

namespace hospes::guest {
namespace {

u64 read_word(u64 va) { return *reinterpret_cast<volatile u64 *>(va); }
void write_word(u64 va, u64 value) { *reinterpret_cast<volatile u64 *>(va) = value; }

Fault fault_of_read(u64 va) {
    return catch_fault([va] { static_cast<void>(read_word(va)); });
}
Fault fault_of_write(u64 va) {
    return catch_fault([va] { write_word(va, 1); });
}

}  // namespace

HV_TEST(va_mapping_maps_an_own_frame_twice) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(3, entry(page.mfn(), kWritablePage)), 0);
    page[7] = 0x1234;
    HV_CHECK_EQ(read_word(window.va(3) + 56), 0x1234);
    write_word(window.va(3) + 64, 0x5678);
    HV_CHECK_EQ(page[8], 0x5678);
    HV_CHECK_EQ(window.map(3, 0), 0);
}

HV_TEST(va_mapping_read_only_faults_on_write_with_error_3) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kReadOnlyPage)), 0);
    const Fault fault = fault_of_write(window.va(0) + 40);
    HV_CHECK_EQ(fault.vector(), 14);
    HV_CHECK_EQ(fault.frame.error_code, 3);
    HV_CHECK_EQ(fault.cr2, window.va(0) + 40);
    HV_CHECK(!fault_of_read(window.va(0)).happened);
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(va_mapping_removed_page_faults) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kWritablePage)), 0);
    HV_CHECK_EQ(read_word(window.va(0)), 0);
    HV_REQUIRE_EQ(window.map(0, 0), 0);
    const Fault read = fault_of_read(window.va(0));
    HV_CHECK_EQ(read.vector(), 14);
    HV_CHECK_EQ(read.frame.error_code, 0);
    const Fault write = fault_of_write(window.va(0));
    HV_CHECK_EQ(write.vector(), 14);
    HV_CHECK_EQ(write.frame.error_code, 2);
}

HV_TEST(va_mapping_no_execute_faults_on_fetch) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    static_cast<u8 *>(page.data())[0] = 0xc3;  // ret
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kWritablePage)), 0);
    const u64 target = window.va(0);
    HV_CHECK(!catch_fault([target] { reinterpret_cast<void (*)()>(target)(); }).happened);
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kWritablePage) | kNoExecute), 0);
    const Fault fault = catch_fault([target] { reinterpret_cast<void (*)()>(target)(); });
    HV_CHECK_EQ(fault.vector(), 14);
    HV_CHECK_EQ(fault.frame.error_code, 0x11);
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(va_mapping_keeps_a_non_present_entry_verbatim) {
    const Window window;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(5, 0x123456789abcdef0 & ~kPresent), 0);
    HV_CHECK_EQ(window.l1[5], 0x123456789abcdef0 & ~kPresent);
    HV_CHECK_EQ(window.map(5, 0), 0);
}

HV_TEST(va_mapping_sets_the_user_bit_and_keeps_available_bits) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    const u64 available = kAvailable | 0x400 | 0x800 | (1ULL << 58);
    HV_REQUIRE_EQ(window.map(1, entry(page.mfn(), kWritablePage) | available), 0);
    HV_CHECK_EQ(window.l1[1] & kUser, kUser);
    HV_CHECK_EQ(window.l1[1] & available, available);
    HV_CHECK_EQ(entry_mfn(window.l1[1]) == page.mfn(), true);
    HV_CHECK_EQ(window.map(1, 0), 0);
}

HV_TEST(va_mapping_accepts_each_flush_flag) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    u64 vcpus = 1;
    const u64 flags[] = {UVMF_NONE, UVMF_TLB_FLUSH, UVMF_INVLPG, UVMF_TLB_FLUSH | UVMF_ALL, UVMF_INVLPG | UVMF_ALL,
                         UVMF_TLB_FLUSH | address_of(&vcpus), UVMF_INVLPG | address_of(&vcpus)};
    for (const u64 flag : flags) HV_CHECK_EQ(hv::update_va_mapping(window.va(0), entry(page.mfn(), kWritablePage), flag), 0);
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(va_mapping_bad_vcpu_bitmap_does_not_crash) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    for (const u64 bad : kBadPointers) {
        const long result = hv::update_va_mapping(window.va(0), entry(page.mfn(), kWritablePage), UVMF_INVLPG | (bad & ~7ULL));
        HV_CHECK_EQ(result, kEFAULT);
    }
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(va_mapping_without_a_level_1_table_is_einval) {
    HV_CHECK_EQ(hv::update_va_mapping(0x1000, 0), kEINVAL);
    HV_CHECK_EQ(hv::update_va_mapping(0x7f0000000000, 0), kEINVAL);
}

HV_TEST(va_mapping_of_hypervisor_addresses_is_einval) {
    const Page page;
    for (const u64 va : {kHypervisorStart, kHypervisorStart + 0x8000000000, 0xffff82d040000000UL, kHypervisorEnd - kPageSize})
        HV_CHECK_EQ(hv::update_va_mapping(va, entry(page.mfn(), kWritablePage)), kEINVAL);
}

HV_TEST(va_mapping_of_a_non_canonical_address_is_einval) {
    const Page page;
    HV_CHECK_EQ(hv::update_va_mapping(kNonCanonical, entry(page.mfn(), kWritablePage)), kEINVAL);
    HV_CHECK_EQ(hv::update_va_mapping(0x0000800000000000, entry(page.mfn(), kWritablePage)), kEINVAL);
}

HV_TEST(va_mapping_of_a_frame_that_does_not_exist_fails) {
    const Window window;
    HV_REQUIRE(window.usable());
    HV_CHECK(window.map(0, entry(kNoSuchMfn, kWritablePage)) < 0);
    HV_CHECK_EQ(window.l1[0], 0);
}

HV_TEST(va_mapping_of_hypervisor_frames_fails) {
    const Window window;
    HV_REQUIRE(window.usable());
    // The L3 table of the machine-to-physical slot is the hypervisor's own memory.
    const auto *root = reinterpret_cast<const u64 *>(start_info().pt_base);
    const Mfn own = entry_mfn(root[256]);
    HV_CHECK(window.map(0, entry(own, kWritablePage)) < 0);
    HV_CHECK(window.map(0, entry(own, kReadOnlyPage)) < 0);
    HV_CHECK_EQ(window.l1[0], 0);
}

HV_TEST(va_mapping_writable_of_a_page_table_fails) {
    const Window window;
    HV_REQUIRE(window.usable());
    const Mfn tables[] = {window.l1.mfn(), window.l2.mfn(), window.l3.mfn(),
                          mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base))};
    for (const Mfn table : tables) {
        HV_CHECK(window.map(0, entry(table, kWritablePage)) < 0);
        HV_CHECK_EQ(window.map(0, entry(table, kReadOnlyPage)), 0);
        // A store to a level-1 table is emulated (page_table_writes.cpp); to any other it is a fault.
        if (table != window.l1.mfn()) HV_CHECK(fault_of_write(window.va(0)).happened);
        HV_CHECK_EQ(window.map(0, 0), 0);
    }
}

HV_TEST(va_mapping_read_only_to_writable_of_a_page_table_fails) {
    const Window window;
    HV_REQUIRE(window.usable());
    HV_CHECK(window.l1.make_writable() < 0);
    HV_CHECK(window.l2.make_writable() < 0);
    HV_CHECK(window.l3.make_writable() < 0);
}

HV_TEST(va_mapping_available_bits_change_without_a_new_reference) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    for (unsigned i = 0; i < 100; ++i)
        HV_CHECK_EQ(window.map(0, entry(page.mfn(), kWritablePage) | ((i & 7) << 9)), 0);
    HV_CHECK_EQ(window.map(0, 0), 0);
}

}  // namespace hospes::guest
