// SPDX-License-Identifier: Apache-2.0
// mmuext_op (hypercall 26): pinning, unpinning and changing roots.
#include "support.hpp"

namespace hospes::guest {
namespace {

long pin(unsigned level, Mfn mfn) { return hv::mmuext_mfn(MMUEXT_PIN_L1_TABLE + level - 1, mfn); }
long unpin(Mfn mfn) { return hv::mmuext_mfn(MMUEXT_UNPIN_TABLE, mfn); }
Mfn boot_root() { return mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base)); }

}  // namespace

HV_TEST(pin_of_an_empty_table_of_each_level) {
    for (unsigned level = 1; level <= 4; ++level) {
        const Page table;
        HV_REQUIRE_EQ(table.make_read_only(), 0);
        HV_CHECK_EQ(pin(level, table.mfn()), 0);
        HV_CHECK(table.make_writable() < 0);
        HV_CHECK_EQ(unpin(table.mfn()), 0);
    }
}

HV_TEST(pin_twice_is_einval) {
    const Page table;
    HV_REQUIRE_EQ(table.make_read_only(), 0);
    HV_REQUIRE_EQ(pin(1, table.mfn()), 0);
    HV_CHECK_EQ(pin(1, table.mfn()), kEINVAL);
    HV_CHECK_EQ(unpin(table.mfn()), 0);
    HV_CHECK_EQ(unpin(table.mfn()), kEINVAL);
}

HV_TEST(pin_as_two_levels_fails) {
    const Page table;
    HV_REQUIRE_EQ(table.make_read_only(), 0);
    HV_REQUIRE_EQ(pin(2, table.mfn()), 0);
    HV_CHECK(pin(1, table.mfn()) < 0);
    HV_CHECK(pin(3, table.mfn()) < 0);
    HV_CHECK(pin(4, table.mfn()) < 0);
    HV_CHECK_EQ(unpin(table.mfn()), 0);
    HV_CHECK_EQ(pin(1, table.mfn()), 0);
    HV_CHECK_EQ(unpin(table.mfn()), 0);
}

HV_TEST(pin_of_a_writable_mapped_frame_fails) {
    for (unsigned level = 1; level <= 4; ++level) {
        const Page table;
        HV_CHECK(pin(level, table.mfn()) < 0);
        HV_CHECK_EQ(unpin(table.mfn()), kEINVAL);
        table[0] = 0;  // still writable
    }
}

HV_TEST(pin_with_a_second_writable_mapping_fails) {
    const Window window;
    const Page table;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(table.mfn(), kWritablePage)), 0);
    HV_REQUIRE_EQ(table.make_read_only(), 0);
    HV_CHECK(pin(1, table.mfn()) < 0);
    HV_REQUIRE_EQ(window.map(0, entry(table.mfn(), kReadOnlyPage)), 0);
    HV_CHECK_EQ(pin(1, table.mfn()), 0);
    HV_CHECK_EQ(unpin(table.mfn()), 0);
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(pin_of_a_table_that_maps_itself_writable_fails) {
    const Page table;
    table[0] = entry(table.mfn(), kWritablePage);
    HV_REQUIRE_EQ(table.make_read_only(), 0);
    HV_CHECK(pin(1, table.mfn()) < 0);
}

HV_TEST(pin_of_a_table_that_maps_itself_read_only_works) {
    const Page table;
    table[0] = entry(table.mfn(), kReadOnlyPage);
    HV_REQUIRE_EQ(table.make_read_only(), 0);
    HV_CHECK_EQ(pin(1, table.mfn()), 0);
    HV_CHECK_EQ(unpin(table.mfn()), 0);
}

HV_TEST(pin_fails_without_a_trace_when_the_last_entry_is_bad) {
    const Page table, data;
    for (unsigned i = 0; i + 1 < kEntries; ++i) table[i] = entry(data.mfn(), kWritablePage);
    table[kEntries - 1] = entry(kNoSuchMfn, kWritablePage);
    HV_REQUIRE_EQ(table.make_read_only(), 0);
    HV_CHECK(pin(1, table.mfn()) < 0);
    HV_CHECK_EQ(table.make_writable(), 0);
    // No writable reference to `data` may be left behind by the failed validation.
    HV_REQUIRE_EQ(data.make_read_only(), 0);
    HV_CHECK_EQ(pin(1, data.mfn()), 0);
    HV_CHECK_EQ(unpin(data.mfn()), 0);
}

HV_TEST(pin_refuses_superpages_and_cache_bits_in_tables) {
    for (unsigned level = 2; level <= 4; ++level) {
        for (const u64 bad : {kPse, kCacheDisable, kWriteThrough}) {
            const Page table, lower;
            HV_REQUIRE_EQ(lower.make_read_only(), 0);
            table[0] = entry(lower.mfn(), kTableEntry | bad);
            HV_REQUIRE_EQ(table.make_read_only(), 0);
            // Xen masks PWT and PCD out of the check for a domain with hardware; a superpage never passes.
            const long result = pin(level, table.mfn());
            if (bad == kPse) HV_CHECK_EQ(result, kEINVAL);
            if (result == 0) HV_CHECK_EQ(unpin(table.mfn()), 0);
        }
    }
}

HV_TEST(pin_refuses_frame_numbers_beyond_the_address_width) {
    const Page table;
    table[0] = (1ULL << 51) | kWritablePage;
    HV_REQUIRE_EQ(table.make_read_only(), 0);
    HV_CHECK(pin(1, table.mfn()) < 0);
}

HV_TEST(pin_refuses_a_root_that_points_to_itself) {
    const Page root;
    root[0] = entry(root.mfn(), kTableEntry);
    HV_REQUIRE_EQ(root.make_read_only(), 0);
    HV_CHECK(pin(4, root.mfn()) < 0);
}

HV_TEST(pin_refuses_level_3_and_2_tables_that_point_to_themselves) {
    for (unsigned level = 2; level <= 3; ++level) {
        const Page table;
        table[1] = entry(table.mfn(), kTableEntry);
        HV_REQUIRE_EQ(table.make_read_only(), 0);
        HV_CHECK(pin(level, table.mfn()) < 0);
    }
}

HV_TEST(pin_refuses_writable_linear_mappings_of_a_root) {
    const Page root;
    root[0] = entry(boot_root(), kTableEntry);
    HV_REQUIRE_EQ(root.make_read_only(), 0);
    HV_CHECK(pin(4, root.mfn()) < 0);
}

HV_TEST(pin_of_a_root_replaces_the_hypervisor_slots) {
    const Page root;
    for (unsigned slot = 256; slot < 272; ++slot) root[slot] = entry(root.mfn(), kTableEntry);
    HV_REQUIRE_EQ(root.make_read_only(), 0);
    HV_REQUIRE_EQ(pin(4, root.mfn()), 0);
    for (unsigned slot = 256; slot < 272; ++slot) HV_CHECK(root[slot] == 0 || entry_mfn(root[slot]) != root.mfn() || (root[slot] & kUser) == 0);
    HV_CHECK_EQ(root[255], 0);
    HV_CHECK_EQ(root[272], 0);
    HV_CHECK_EQ(unpin(root.mfn()), 0);
}

HV_TEST(pin_of_a_full_hierarchy_and_switch_of_the_root) {
    const Page root;
    memcpy(root.data(), reinterpret_cast<const void *>(start_info().pt_base), kPageSize);
    HV_REQUIRE_EQ(root.make_read_only(), 0);
    HV_REQUIRE_EQ(pin(4, root.mfn()), 0);
    HV_CHECK_EQ(hv::mmuext_mfn(MMUEXT_NEW_BASEPTR, root.mfn()), 0);
    HV_CHECK(current_root() == root.mfn());
    HV_CHECK(!catch_fault([&root] { static_cast<void>(pfn_of(root.mfn())); }).happened);
    HV_CHECK_EQ(unpin(root.mfn()), 0);  // still in use as the root, so still a table
    HV_CHECK(root.make_writable() < 0);
    HV_CHECK_EQ(hv::mmuext_mfn(MMUEXT_NEW_BASEPTR, boot_root()), 0);
    HV_CHECK(current_root() == boot_root());
}

HV_TEST(baseptr_of_what_is_no_root_fails) {
    const Page page;
    HV_CHECK(hv::mmuext_mfn(MMUEXT_NEW_BASEPTR, page.mfn()) < 0);
    HV_CHECK(hv::mmuext_mfn(MMUEXT_NEW_BASEPTR, kNoSuchMfn) < 0);
    HV_CHECK(hv::mmuext_mfn(MMUEXT_NEW_BASEPTR, Mfn{0}) < 0);
    HV_CHECK(hv::mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, page.mfn()) < 0);
    HV_CHECK(hv::mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, kNoSuchMfn) < 0);
    HV_CHECK(current_root() == boot_root());
}

HV_TEST(pin_of_frames_that_are_not_ours_fails) {
    const auto *running = reinterpret_cast<const u64 *>(start_info().pt_base);
    for (unsigned level = 1; level <= 4; ++level) {
        HV_CHECK(pin(level, kNoSuchMfn) < 0);
        HV_CHECK(pin(level, entry_mfn(running[256])) < 0);
        HV_CHECK(pin(level, Mfn{~0ULL}) < 0);
    }
    HV_CHECK(unpin(kNoSuchMfn) < 0);
    HV_CHECK(unpin(Mfn{~0ULL}) < 0);
}

HV_TEST(unpin_of_an_ordinary_page_is_einval) {
    const Page page;
    HV_CHECK_EQ(unpin(page.mfn()), kEINVAL);
}

HV_TEST(mmuext_flushes_return_zero) {
    HV_CHECK_EQ(hv::mmuext_linear(MMUEXT_TLB_FLUSH_LOCAL, 0), 0);
    HV_CHECK_EQ(hv::mmuext_linear(MMUEXT_TLB_FLUSH_ALL, 0), 0);
    HV_CHECK_EQ(hv::mmuext_linear(MMUEXT_INVLPG_LOCAL, kVirtBase), 0);
    HV_CHECK_EQ(hv::mmuext_linear(MMUEXT_INVLPG_ALL, kVirtBase), 0);
    HV_CHECK_EQ(hv::mmuext_linear(MMUEXT_INVLPG_LOCAL, kHypervisorStart), 0);
    HV_CHECK_EQ(hv::mmuext_linear(MMUEXT_INVLPG_LOCAL, kNonCanonical), 0);
}

HV_TEST(mmuext_multi_flushes_read_a_vcpu_bitmap) {
    u64 vcpus = ~0ULL;
    mmuext_op_t operation{};
    operation.cmd = MMUEXT_TLB_FLUSH_MULTI;
    operation.arg2.vcpumask.p = &vcpus;
    HV_CHECK_EQ(hv::mmuext_op(&operation, 1), 0);
    operation.cmd = MMUEXT_INVLPG_MULTI;
    operation.arg1.linear_addr = kVirtBase;
    HV_CHECK_EQ(hv::mmuext_op(&operation, 1), 0);
    for (const u64 bad : kBadPointers) {
        operation.arg2.vcpumask.p = reinterpret_cast<void *>(bad);
        const long result = hv::mmuext_op(&operation, 1);
        HV_CHECK(result == kEINVAL || result == kEFAULT);  // Xen: the former
    }
}

HV_TEST(mmuext_unknown_commands_are_enosys) {
    HV_CHECK_EQ(hv::mmuext_linear(14, 0), kENOSYS);
    HV_CHECK_EQ(hv::mmuext_linear(200, 0), kENOSYS);
}

HV_TEST(mmuext_reports_how_many_operations_were_done) {
    mmuext_op_t operations[4]{};
    for (mmuext_op_t &operation : operations) operation.cmd = MMUEXT_TLB_FLUSH_LOCAL;
    u32 done = 99;
    HV_CHECK_EQ(hv::mmuext_op(operations, 4, &done), 0);
    HV_CHECK_EQ(done, 4);
    operations[2].cmd = 200;
    done = 99;
    HV_CHECK_EQ(hv::mmuext_op(operations, 4, &done), kENOSYS);
    HV_CHECK_EQ(done, 2);
    done = 99;
    HV_CHECK_EQ(hv::mmuext_op(operations, 0, &done), 0);
}

HV_TEST(mmuext_bad_arrays_are_efault) {
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_mmuext_op, bad, 1, 0, DOMID_SELF), kEFAULT);
}

HV_TEST(mmuext_unknown_domains_fail) {
    mmuext_op_t operation{};
    operation.cmd = MMUEXT_TLB_FLUSH_LOCAL;
    HV_CHECK(hv::mmuext_op(&operation, 1, nullptr, 1234) < 0);
    HV_CHECK(hv::mmuext_op(&operation, 1, nullptr, DOMID_INVALID) < 0);
}

HV_TEST(mmuext_clear_and_copy_a_page) {
    const Page from, to;
    for (unsigned i = 0; i < kEntries; ++i) from[i] = i;
    mmuext_op_t operation{};
    operation.cmd = MMUEXT_COPY_PAGE;
    operation.arg1.mfn = raw(to.mfn());
    operation.arg2.src_mfn = raw(from.mfn());
    HV_REQUIRE_EQ(hv::mmuext_op(&operation, 1), 0);
    HV_CHECK_EQ(memcmp(from.data(), to.data(), kPageSize), 0);
    HV_REQUIRE_EQ(hv::mmuext_mfn(MMUEXT_CLEAR_PAGE, to.mfn()), 0);
    for (unsigned i = 0; i < kEntries; ++i) HV_CHECK_EQ(to[i], 0);
    HV_CHECK(hv::mmuext_mfn(MMUEXT_CLEAR_PAGE, boot_root()) < 0);
    HV_CHECK(hv::mmuext_mfn(MMUEXT_CLEAR_PAGE, kNoSuchMfn) < 0);
}

}  // namespace hospes::guest
