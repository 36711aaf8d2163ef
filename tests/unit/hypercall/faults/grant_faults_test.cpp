// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/hypercall.hpp"
#include "tests/support/hypervisor/grants.hpp"
#include "tests/unit/hypercall/faults/scenario.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

Call grant_op(Vcpu& caller, u64 command, u64 operations, unsigned count) { return {caller, __HYPERVISOR_grant_table_op, {command, operations, count}}; }

// By -EFAULT, or by the status of the operation that failed.
template <typename Op>
bool is_told_by_status(Scene& stage, i64 result, unsigned count) {
    if (result != 0) return result == to_abi(Errno::fault);
    for (unsigned i = 0; i < count; ++i)
        if (stage.last<Op>()[i].status != GNTST_okay) return true;
    return false;
}

// Domain two maps refs 0, 1, 2 of domain one.
Call map_three(Scene& s, unsigned count, u32 flags, bool by_entry) {
    auto& ops = s.arguments<gnttab_map_grant_ref_t>(count);
    for (u32 i = 0; i < count; ++i) {
        u64 const place = by_entry ? s.two.space.entry(i).raw() : AddressSpace::page(i).raw();
        ops[i] = {place, flags | (by_entry ? GNTMAP_contains_pte : 0u), i, 1, 99, 0, 0};
    }
    return grant_op(s.two.vcpu, GNTTABOP_map_grant_ref, ops.address(), count);
}

u32 mapped(Scene& s, u32 ref) {
    GrantMapResult const result =
        map_grant(s.two.vcpu, {s.two.space.entry(ref).raw(), GNTMAP_host_map | GNTMAP_contains_pte, GrantRef{ref}, DomId{1}});
    REQUIRE(result.status == GrantStatus::okay);
    return result.handle.raw();
}

void map_two(Scene& s) {
    s.handle = mapped(s, 0);
    s.port = mapped(s, 1);  // (a second handle)
}

Call unmap_two(Scene& s, unsigned count) {
    auto& ops = s.arguments<gnttab_unmap_grant_ref_t>(count);
    u32 const handles[] = {s.handle, s.port};
    for (u32 i = 0; i < count; ++i) ops[i] = {s.two.space.entry(i).raw(), 0, handles[i], 99};
    return grant_op(s.two.vcpu, GNTTABOP_unmap_grant_ref, ops.address(), count);
}

Call copy_three(Scene& s, unsigned count) {
    auto& ops = s.arguments<gnttab_copy_t>(count);
    for (u32 i = 0; i < count; ++i) {
        ops[i] = {};
        ops[i].source.u.gmfn = s.two.pages[i].raw();
        ops[i].source.domid = DOMID_SELF;
        ops[i].dest.u.ref = i;
        ops[i].dest.domid = 1;
        ops[i].len = 64;
        ops[i].flags = GNTCOPY_dest_gref;
        frame_pointer<u64>(s.two.pages[i])[0] = 0x77;
    }
    return grant_op(s.two.vcpu, GNTTABOP_copy, ops.address(), count);
}

void write_something(Scene& s) {
    for (u32 i = 0; i < 3; ++i) frame_pointer<u64>(s.two.pages[i])[0] = 0x77;
}

Call setup_table(Scene& s, unsigned, u32 frames) {
    auto& list = s.arguments<xen_pfn_t>(frames);
    auto& op = s.arguments<gnttab_setup_table_t>();
    *op = {};
    op->dom = DOMID_SELF;
    op->nr_frames = frames;
    op->frame_list.p = reinterpret_cast<xen_pfn_t*>(list.address());
    return grant_op(s.one.vcpu, GNTTABOP_setup_table, op.address(), 1);
}

// A table of handles that has to grow first: domain zero has mapped nothing, and its one page of handles is full.
void use_up_handles(Scene& s) {
    Maptrack& maptrack = s.two.domain.grants.maptrack();
    for (u32 i = 0; i < kHandlesPerFrame; ++i) (void)maptrack.reserve().value();
}

template <typename Op, unsigned kCount>
bool by_status(Scene& s, i64 result) {
    return is_told_by_status<Op>(s, result, kCount);
}

constexpr Scenario kScenarios[] = {
    {.name = "map by entry",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return map_three(s, n, GNTMAP_host_map, true); }},
    {.name = "map three by entry",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return map_three(s, n, GNTMAP_host_map, true); },
     .operations = 3},
    {.name = "map three by address, read-only",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return map_three(s, n, GNTMAP_host_map | GNTMAP_readonly, false); },
     .operations = 3},
    {.name = "map for a device",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return map_three(s, n, GNTMAP_device_map, false); }},
    {.name = "map with a table of handles that grows",
     .set_up = use_up_handles,
     .call = [](Scene& s, unsigned n) { return map_three(s, n, GNTMAP_host_map, true); },
     .keeps = Keeps::grown_tables,
     .is_told = by_status<gnttab_map_grant_ref_t, 1>},
    {.name = "unmap", .set_up = map_two, .call = unmap_two, .operations = 2, .tells_late = true},
    {.name = "copy", .set_up = write_something, .call = copy_three, .operations = 3, .tells_late = true},
    {.name = "setup_table, all there",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return setup_table(s, n, 1); },
     .is_told = by_status<gnttab_setup_table_t, 1>},
    {.name = "setup_table of a table that grows",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return setup_table(s, n, 3); },
     .keeps = Keeps::grown_tables,
     .is_told = by_status<gnttab_setup_table_t, 1>},
    {.name = "query_size",
     .set_up = nullptr,
     .call =
         [](Scene& s, unsigned) {
             auto& op = s.arguments<gnttab_query_size_t>();
             op->dom = DOMID_SELF;
             return grant_op(s.one.vcpu, GNTTABOP_query_size, op.address(), 1);
         }},
    {.name = "set_version",
     .set_up = nullptr,
     .call =
         [](Scene& s, unsigned) {
             auto& op = s.arguments<gnttab_set_version_t>();
             op->version = 1;
             return grant_op(s.one.vcpu, GNTTABOP_set_version, op.address(), 1);
         }},
    {.name = "get_version",
     .set_up = nullptr,
     .call =
         [](Scene& s, unsigned) {
             auto& op = s.arguments<gnttab_get_version_t>();
             op->dom = DOMID_SELF;
             return grant_op(s.one.vcpu, GNTTABOP_get_version, op.address(), 1);
         }},
};

}  // namespace

TEST_CASE("grant_table_op fails cleanly wherever it can fail", "[hypercall][faults][grant]") { run_with_faults(kScenarios); }
