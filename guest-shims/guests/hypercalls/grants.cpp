// SPDX-License-Identifier: Apache-2.0
// grant_table_op (hypercall 20): a domain that grants to itself, mapping, unmapping, copying, and every refusal.
#include "support.hpp"

namespace hospes::guest {
namespace {

constexpr GrantRef kRef{20};
constexpr u16 kSelf = DOMID_SELF;

/// This domain's own number, found by granting to candidates; only a domain with a grant table can ask.
u16 own_domain() {
    // The remote end of a loop-back channel names it.
    static u16 domain = DOMID_INVALID;
    if (domain != DOMID_INVALID) return domain;
    EventPort near{}, far{};
    if (alloc_unbound(DOMID_SELF, DOMID_SELF, near) != 0 || bind_interdomain(DOMID_SELF, near, far) != 0) return domain;
    evtchn_status_t status{};
    status.dom = DOMID_SELF;
    status.port = raw(near);
    if (hv::event_channel_op(EVTCHNOP_status, &status) == 0) domain = status.u.interdomain.dom;
    static_cast<void>(close_port(far));
    static_cast<void>(close_port(near));
    clear_pending(far);
    return domain;
}

struct Scene {
    Window window;
    Page page;
    bool usable;
    Scene() : usable(window.usable() && grants_init() == 0 && own_domain() != DOMID_INVALID) {}
    void grant(bool read_only = false) const { grant_access(kRef, own_domain(), page.mfn(), read_only); }
};

i32 copy_one(gnttab_copy_t &copy) {
    const long result = hv::grant_table_op(GNTTABOP_copy, &copy, 1);
    return result != 0 ? static_cast<i32>(result) : copy.status;
}

gnttab_copy_t copy_between(const Page &from, const Page &to, u16 length) {
    gnttab_copy_t copy{};
    copy.source.u.gmfn = raw(from.mfn());
    copy.source.domid = kSelf;
    copy.dest.u.gmfn = raw(to.mfn());
    copy.dest.domid = kSelf;
    copy.len = length;
    return copy;
}

}  // namespace

HV_TEST(grant_table_can_be_set_up) {
    HV_REQUIRE_EQ(grants_init(), 0);
    gnttab_query_size_t size{};
    size.dom = kSelf;
    HV_REQUIRE_EQ(hv::grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    HV_CHECK_EQ(size.status, GNTST_okay);
    HV_CHECK(size.nr_frames >= 1);
    HV_CHECK(size.max_nr_frames >= size.nr_frames);
}

HV_TEST(grant_table_version_is_1) {
    gnttab_get_version_t version{};
    version.dom = kSelf;
    const long result = hv::grant_table_op(GNTTABOP_get_version, &version, 1);
    HV_CHECK(result == kENOSYS || (result == 0 && version.version == 1));
}

HV_TEST(grant_setup_errors) {
    xen_pfn_t frames[4] = {};
    gnttab_setup_table_t setup{};
    setup.frame_list.p = frames;
    setup.dom = 1234;
    setup.nr_frames = 1;
    HV_CHECK_EQ(hv::grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    HV_CHECK(setup.status == GNTST_bad_domain || (setup.status == GNTST_permission_denied && !is_initial_domain()));
    setup.dom = kSelf;
    setup.nr_frames = 100000;
    HV_CHECK_EQ(hv::grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    HV_CHECK(setup.status < 0);
}

HV_TEST(grant_map_and_unmap_by_address) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    scene.grant();
    u32 handle = 0;
    HV_REQUIRE_EQ(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map, handle), GNTST_okay);
    HV_CHECK_EQ(grant_entry(kRef).flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing);
    *reinterpret_cast<volatile u64 *>(scene.window.va(2)) = 0x4711;
    HV_CHECK_EQ(scene.page[0], 0x4711);
    HV_CHECK(!end_access(kRef));
    HV_CHECK_EQ(unmap_grant(handle, scene.window.va(2)), GNTST_okay);
    HV_CHECK_EQ(scene.window.l1[2], 0);
    HV_CHECK_EQ(grant_entry(kRef).flags & (GTF_reading | GTF_writing), 0);
    const u64 va = scene.window.va(2);
    HV_CHECK_EQ(catch_fault([va] { static_cast<void>(*reinterpret_cast<volatile u64 *>(va)); }).vector(), 14);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_map_by_entry_address) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    scene.grant();
    u32 handle = 0;
    const u32 flags = GNTMAP_host_map | GNTMAP_contains_pte | (1 << _GNTMAP_guest_avail0);
    HV_REQUIRE_EQ(map_grant(own_domain(), kRef, scene.window.l1.slot(3), flags, handle), GNTST_okay);
    HV_CHECK(entry_mfn(scene.window.l1[3]) == scene.page.mfn());
    HV_CHECK_EQ(scene.window.l1[3] & kAvailable, kAvailable);
    *reinterpret_cast<volatile u64 *>(scene.window.va(3)) = 0x4712;
    HV_CHECK_EQ(scene.page[0], 0x4712);
    HV_CHECK_EQ(unmap_grant(handle, scene.window.l1.slot(3)), GNTST_okay);
    HV_CHECK_EQ(scene.window.l1[3], 0);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_read_only_grant_maps_read_only) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    scene.grant(true);
    u32 handle = 0;
    HV_CHECK_EQ(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map, handle), GNTST_general_error);
    HV_REQUIRE_EQ(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map | GNTMAP_readonly, handle), GNTST_okay);
    HV_CHECK_EQ(grant_entry(kRef).flags & (GTF_reading | GTF_writing), GTF_reading);
    const u64 va = scene.window.va(2);
    HV_CHECK(!catch_fault([va] { static_cast<void>(*reinterpret_cast<volatile u64 *>(va)); }).happened);
    HV_CHECK_EQ(catch_fault([va] { *reinterpret_cast<volatile u64 *>(va) = 1; }).vector(), 14);
    HV_CHECK_EQ(unmap_grant(handle, va), GNTST_okay);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_mapped_twice_is_counted) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    scene.grant();
    u32 first = 0, second = 0;
    HV_REQUIRE_EQ(map_grant(own_domain(), kRef, scene.window.va(1), GNTMAP_host_map, first), GNTST_okay);
    HV_REQUIRE_EQ(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map | GNTMAP_readonly, second), GNTST_okay);
    HV_CHECK(first != second);
    HV_CHECK_EQ(unmap_grant(first, scene.window.va(1)), GNTST_okay);
    HV_CHECK_EQ(grant_entry(kRef).flags & (GTF_reading | GTF_writing), GTF_reading);
    HV_CHECK_EQ(unmap_grant(second, scene.window.va(2)), GNTST_okay);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_of_a_page_table_cannot_be_mapped_writable) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    grant_access(kRef, own_domain(), scene.window.l1.mfn(), false);
    u32 handle = 0;
    HV_CHECK(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map, handle) < 0);
    HV_CHECK_EQ(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map | GNTMAP_readonly, handle), GNTST_okay);
    HV_CHECK_EQ(unmap_grant(handle, scene.window.va(2)), GNTST_okay);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_writable_mapping_keeps_the_frame_from_becoming_a_table) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    scene.grant();
    u32 handle = 0;
    HV_REQUIRE_EQ(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map, handle), GNTST_okay);
    HV_REQUIRE_EQ(scene.page.make_read_only(), 0);
    HV_CHECK(hv::mmuext_mfn(MMUEXT_PIN_L1_TABLE, scene.page.mfn()) < 0);
    HV_CHECK_EQ(unmap_grant(handle, scene.window.va(2)), GNTST_okay);
    HV_CHECK_EQ(hv::mmuext_mfn(MMUEXT_PIN_L1_TABLE, scene.page.mfn()), 0);
    HV_CHECK_EQ(hv::mmuext_mfn(MMUEXT_UNPIN_TABLE, scene.page.mfn()), 0);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_map_refusals) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    scene.grant();
    u32 handle = 0;
    const u64 va = scene.window.va(2);
    HV_CHECK_EQ(map_grant(1234, kRef, va, GNTMAP_host_map, handle), GNTST_bad_domain);
    HV_CHECK_EQ(map_grant(own_domain(), GrantRef{21}, va, GNTMAP_host_map, handle), GNTST_general_error);
    HV_CHECK_EQ(map_grant(own_domain(), GrantRef{0x7fffffff}, va, GNTMAP_host_map, handle), GNTST_bad_gntref);
    HV_CHECK_EQ(map_grant(own_domain(), GrantRef{0xffffffff}, va, GNTMAP_host_map, handle), GNTST_bad_gntref);
    HV_CHECK(map_grant(own_domain(), kRef, va, 0, handle) < 0);
    HV_CHECK(map_grant(own_domain(), kRef, kHypervisorStart, GNTMAP_host_map, handle) < 0);
    HV_CHECK(map_grant(own_domain(), kRef, 0xffff82d040000000, GNTMAP_host_map, handle) < 0);
    HV_CHECK(map_grant(own_domain(), kRef, 0x7f0000000000, GNTMAP_host_map, handle) < 0);
    HV_CHECK(map_grant(own_domain(), kRef, kNonCanonical, GNTMAP_host_map, handle) < 0);
    HV_CHECK(map_grant(own_domain(), kRef, scene.window.l2.slot(3), GNTMAP_host_map | GNTMAP_contains_pte, handle) < 0);
    HV_CHECK(map_grant(own_domain(), kRef, scene.window.l1.slot(3) + 4, GNTMAP_host_map | GNTMAP_contains_pte, handle) < 0);
    HV_CHECK(map_grant(own_domain(), kRef, maddr(kNoSuchMfn) & kFrameMask, GNTMAP_host_map | GNTMAP_contains_pte, handle) < 0);
    HV_CHECK_EQ(grant_entry(kRef).flags & (GTF_reading | GTF_writing), 0);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_for_another_domain_cannot_be_mapped) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    grant_access(kRef, 77, scene.page.mfn(), false);
    u32 handle = 0;
    HV_CHECK(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map, handle) < 0);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_of_frames_that_are_not_ours_cannot_be_mapped) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    const auto *root = reinterpret_cast<const u64 *>(start_info().pt_base);
    u32 handle = 0;
    for (const Mfn frame : {entry_mfn(root[256]), Mfn{0xfffffff0}}) {
        grant_access(kRef, own_domain(), frame, false);
        HV_CHECK(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map, handle) < 0);
        HV_CHECK(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map | GNTMAP_readonly, handle) < 0);
        HV_CHECK(end_access(kRef));
    }
}

HV_TEST(grant_unmap_refusals) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    scene.grant();
    u32 handle = 0;
    HV_REQUIRE_EQ(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map, handle), GNTST_okay);
    HV_CHECK_EQ(unmap_grant(0xffffffff, scene.window.va(2)), GNTST_bad_handle);
    HV_CHECK_EQ(unmap_grant(handle + 100000, scene.window.va(2)), GNTST_bad_handle);
    HV_CHECK(unmap_grant(handle, scene.window.va(3)) < 0);
    HV_CHECK(entry_mfn(scene.window.l1[2]) == scene.page.mfn());
    HV_CHECK_EQ(unmap_grant(handle, scene.window.va(2)), GNTST_okay);
    HV_CHECK_EQ(unmap_grant(handle, scene.window.va(2)), GNTST_bad_handle);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_stays_in_use_when_the_guest_overwrites_its_entry) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    scene.grant();
    u32 handle = 0;
    HV_REQUIRE_EQ(map_grant(own_domain(), kRef, scene.window.va(2), GNTMAP_host_map, handle), GNTST_okay);
    const u64 mapped = scene.window.l1[2];
    HV_CHECK_EQ(scene.window.map(2, 0), 0);
    HV_CHECK(!end_access(kRef));
    HV_CHECK(unmap_grant(handle, scene.window.va(2)) < 0);
    HV_CHECK(!end_access(kRef));
    HV_CHECK_EQ(scene.window.map(2, mapped), 0);
    HV_CHECK_EQ(unmap_grant(handle, scene.window.va(2)), GNTST_okay);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_copy_between_own_frames) {
    const Page from, to;
    for (unsigned i = 0; i < kEntries; ++i) from[i] = i * 3;
    gnttab_copy_t copy = copy_between(from, to, 1000);
    copy.source.offset = 80;
    copy.dest.offset = 160;
    HV_REQUIRE_EQ(copy_one(copy), GNTST_okay);
    HV_CHECK_EQ(memcmp(static_cast<u8 *>(from.data()) + 80, static_cast<u8 *>(to.data()) + 160, 1000), 0);
    HV_CHECK_EQ(to[19], 0);
    HV_CHECK_EQ(to[145], 0);
}

HV_TEST(grant_copy_through_references) {
    const Scene scene;
    HV_REQUIRE(scene.usable);
    const Page other;
    scene.page[0] = 0x99;
    scene.grant(true);
    gnttab_copy_t copy = copy_between(scene.page, other, 8);
    copy.flags = GNTCOPY_source_gref;
    copy.source.u.ref = raw(kRef);
    copy.source.domid = own_domain();
    HV_CHECK_EQ(copy_one(copy), GNTST_okay);
    HV_CHECK_EQ(other[0], 0x99);
    copy = copy_between(other, scene.page, 8);
    copy.flags = GNTCOPY_dest_gref;
    copy.dest.u.ref = raw(kRef);
    copy.dest.domid = own_domain();
    HV_CHECK_EQ(copy_one(copy), GNTST_general_error);  // read-only
    HV_REQUIRE(end_access(kRef));
    scene.grant();
    other[0] = 0x55;
    HV_CHECK_EQ(copy_one(copy), GNTST_okay);
    HV_CHECK_EQ(scene.page[0], 0x55);
    HV_CHECK_EQ(grant_entry(kRef).flags & (GTF_reading | GTF_writing), 0);
    HV_CHECK(end_access(kRef));
}

HV_TEST(grant_copy_refusals) {
    const Page from, to;
    gnttab_copy_t copy = copy_between(from, to, 100);
    copy.source.offset = 4000;
    HV_CHECK_EQ(copy_one(copy), GNTST_bad_copy_arg);
    copy = copy_between(from, to, 100);
    copy.dest.offset = 4000;
    HV_CHECK_EQ(copy_one(copy), GNTST_bad_copy_arg);
    copy = copy_between(from, to, 0xffff);
    HV_CHECK_EQ(copy_one(copy), GNTST_bad_copy_arg);
    copy = copy_between(from, to, 8);
    copy.source.u.gmfn = raw(kNoSuchMfn);
    HV_CHECK(copy_one(copy) < 0);
    copy = copy_between(from, to, 8);
    copy.dest.u.gmfn = raw(mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base)));
    HV_CHECK(copy_one(copy) < 0);
    copy = copy_between(from, to, 8);
    copy.source.domid = 1234;
    HV_CHECK(copy_one(copy) < 0);
}

HV_TEST(grant_bad_pointers_are_efault) {
    for (const u64 bad : kBadPointers) {
        for (const u32 command : {GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_setup_table, GNTTABOP_copy, GNTTABOP_query_size})
            HV_CHECK_EQ(hypercall(__HYPERVISOR_grant_table_op, command, bad, 1), kEFAULT);
    }
}

HV_TEST(grant_unknown_commands_and_huge_counts) {
    gnttab_query_size_t size{};
    size.dom = kSelf;
    HV_CHECK_EQ(hv::grant_table_op(99, &size, 1), kENOSYS);
    HV_CHECK(hv::grant_table_op(GNTTABOP_query_size, &size, 2) < 0);
    HV_CHECK(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, 0x1000, 0x7fffffff) < 0);
    HV_CHECK(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, 0x1000, 0xffffffff) < 0);
}

}  // namespace hospes::guest
