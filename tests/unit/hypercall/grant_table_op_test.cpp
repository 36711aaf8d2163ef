// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/grant_table_op.hpp"

#include "tests/support/hypervisor/grants.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Calls : GrantWorld {
    template <typename Op>
    i64 op(Domain& caller, u64 command, GuestArray<Op>& args, u64 count = 1) {
        return call(*caller.vcpus[0], hypercall_grant_table_op, command, args.address(), count);
    }
};

}  // namespace

TEST_CASE("setup_table lists frames that the domain owns and may write", "[hypercall][grant]") {
    Calls w;
    GuestArray<xen_pfn_t> frames{3};
    GuestArray<gnttab_setup_table_t> setup;
    setup->dom = DOMID_SELF;
    setup->nr_frames = 3;
    setup->frame_list.p = reinterpret_cast<xen_pfn_t*>(frames.address());
    REQUIRE(w.op(w.granter, GNTTABOP_setup_table, setup) == 0);
    REQUIRE(setup->status == GNTST_okay);
    for (u32 i = 0; i < 3; ++i) {
        Mfn const frame{frames[i]};
        CHECK(frame == w.granter.grants.shared_frame(i).value());
        CHECK(w.ram.frames().owner(frame) == w.granter.id());
        CHECK(w.page_types.type(frame) == PageType::writable);
    }
    GuestArray<gnttab_query_size_t> size;
    size->dom = 1;
    REQUIRE(w.op(w.dom0(), GNTTABOP_query_size, size) == 0);
    CHECK(size->nr_frames == 3);
    CHECK(size->max_nr_frames == 64);
}

TEST_CASE("setup_table refuses too many frames, foreign tables and bad lists by its status", "[hypercall][grant]") {
    Calls w;
    GuestArray<gnttab_setup_table_t> setup;
    setup->dom = DOMID_SELF;
    setup->nr_frames = 65;
    CHECK(w.op(w.granter, GNTTABOP_setup_table, setup) == 0);
    CHECK(setup->status == GNTST_general_error);
    setup->nr_frames = 1;
    CHECK(w.op(w.granter, GNTTABOP_setup_table, setup) == 0);
    CHECK(setup->status == GNTST_bad_virt_addr);
    setup->dom = 2;
    CHECK(w.op(w.granter, GNTTABOP_setup_table, setup) == 0);
    CHECK(setup->status == GNTST_permission_denied);
    setup->dom = 99;
    CHECK(w.op(w.dom0(), GNTTABOP_setup_table, setup) == 0);
    CHECK(setup->status == GNTST_bad_domain);
    CHECK(w.op(w.granter, GNTTABOP_setup_table, setup, 2) == -22);
}

TEST_CASE("there is version 1 and no other", "[hypercall][grant]") {
    Calls w;
    GuestArray<gnttab_set_version_t> set;
    set->version = 1;
    CHECK(w.op(w.granter, GNTTABOP_set_version, set) == 0);
    set->version = 2;
    CHECK(w.op(w.granter, GNTTABOP_set_version, set) == -38);
    set->version = 3;
    CHECK(w.op(w.granter, GNTTABOP_set_version, set) == -22);
    GuestArray<gnttab_get_version_t> get;
    get->dom = DOMID_SELF;
    CHECK(w.op(w.granter, GNTTABOP_get_version, get) == 0);
    CHECK(get->version == 1);
    get->dom = 2;
    CHECK(w.op(w.granter, GNTTABOP_get_version, get) == -1);
}

TEST_CASE("map and unmap give each operation its own status", "[hypercall][grant]") {
    Calls w;
    GuestArray<gnttab_map_grant_ref_t> maps{3};
    for (u32 i = 0; i < 3; ++i) {
        maps[i] = {.host_addr = w.entry_address(w.table, i), .flags = GNTMAP_host_map | GNTMAP_contains_pte, .ref = 8 + i, .dom = 1,
                   .status = 7, .handle = 0, .dev_bus_addr = 0};
        if (i != 1) w.grant(w.granter, 8 + i, w.mapper, w.page);
    }
    REQUIRE(w.op(w.mapper, GNTTABOP_map_grant_ref, maps, 3) == 0);
    CHECK(maps[0].status == GNTST_okay);
    CHECK(maps[1].status == GNTST_general_error);
    CHECK(maps[2].status == GNTST_okay);
    CHECK(maps[2].dev_bus_addr == maddr_of(w.page).raw());

    GuestArray<gnttab_unmap_grant_ref_t> unmaps{2};
    for (u32 i = 0; i < 2; ++i) unmaps[i] = {maps[2 * i].host_addr, 0, maps[2 * i].handle, 7};
    REQUIRE(w.op(w.mapper, GNTTABOP_unmap_grant_ref, unmaps, 2) == 0);
    CHECK(unmaps[0].status == GNTST_okay);
    CHECK(unmaps[1].status == GNTST_okay);
    CHECK(w.granter.grants.pins() == 0);
}

TEST_CASE("a batch interrupted at every operation does each exactly once", "[hypercall][grant]") {
    Calls w;
    w.grant(w.granter, 8, w.mapper, w.page);
    constexpr u32 kCount = 50;
    GuestArray<gnttab_map_grant_ref_t> maps{kCount};
    for (u32 i = 0; i < kCount; ++i)
        maps[i] = {w.entry_address(w.table, i), GNTMAP_host_map | GNTMAP_contains_pte, 8, 1, 0, 0, 0};
    HypercallArgs args{{GNTTABOP_map_grant_ref, maps.address(), kCount, 0, 0, 0}};
    unsigned restarts = 0;
    for (;;) {
        machine().preempt_after = 0;
        Outcome const outcome = hypercall_grant_table_op(*w.mapper.vcpus[0], args);
        if (outcome.ok()) break;
        REQUIRE(outcome.error() == Errno::restart);
        ++restarts;
    }
    machine().preempt_after = -1;
    CHECK(restarts == kCount - 1);
    CHECK(w.granter.grants.pins() == kCount);
    for (u32 i = 0; i < kCount; ++i) CHECK(maps[i].status == GNTST_okay);
}

TEST_CASE("an operation is read once: what the guest changes afterwards has no effect", "[hypercall][grant]") {
    Calls w;
    w.grant(w.granter, 8, w.mapper, w.page);
    GuestArray<gnttab_map_grant_ref_t> map;
    *map = {w.entry_address(w.table, 0), GNTMAP_host_map | GNTMAP_contains_pte, 8, 1, 0, 0, 0};
    guest_memory().after_read = [&](GuestAddress, usize) {
        map->ref = 511;
        map->host_addr = w.entry_address(w.page, 0);
    };
    CHECK(w.op(w.mapper, GNTTABOP_map_grant_ref, map) == 0);
    guest_memory().after_read = nullptr;
    CHECK(map->status == GNTST_okay);
    CHECK(w.entry_of(w.table, 0).mfn() == w.page);
}

TEST_CASE("what is left out for good is ENOSYS, and bad counts and pointers fail the call", "[hypercall][grant]") {
    Calls w;
    GuestArray<u64> any{8};
    for (u64 const command : {GNTTABOP_dump_table, GNTTABOP_transfer, GNTTABOP_unmap_and_replace, GNTTABOP_get_status_frames,
                              GNTTABOP_swap_grant_ref, GNTTABOP_cache_flush, 13})
        CHECK(w.op(w.mapper, command, any) == -38);
    CHECK(w.op(w.mapper, GNTTABOP_map_grant_ref, any, u64{1} << 31) == -22);
    for (u64 const command : {GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_copy, GNTTABOP_setup_table, GNTTABOP_query_size,
                              GNTTABOP_set_version, GNTTABOP_get_version})
        CHECK(w.call(*w.mapper.vcpus[0], hypercall_grant_table_op, command, 0x10, 1) == -14);
    CHECK(w.op(w.mapper, GNTTABOP_copy, any, 0) == 0);
}

TEST_CASE("copy decodes both ends", "[hypercall][grant]") {
    Calls w;
    Mfn const own = w.populate(w.mapper);
    frame_pointer<u64>(own)[1] = 0x1122'3344'5566'7788;
    w.grant(w.granter, 8, w.mapper, w.page);
    GuestArray<gnttab_copy_t> copy;
    copy->source.u.gmfn = own.raw();
    copy->source.domid = DOMID_SELF;
    copy->source.offset = 8;
    copy->dest.u.ref = 8;
    copy->dest.domid = 1;
    copy->dest.offset = 16;
    copy->len = 8;
    copy->flags = GNTCOPY_dest_gref;
    REQUIRE(w.op(w.mapper, GNTTABOP_copy, copy) == 0);
    CHECK(copy->status == GNTST_okay);
    CHECK(frame_pointer<u64>(w.page)[2] == 0x1122'3344'5566'7788);
}
