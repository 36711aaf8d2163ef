// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/domain/memory_map.hpp"
#include "hypervisor/hypercall/memory_op.hpp"
#include "tests/unit/hypercall/faults/scenario.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

Call memory_op(Vcpu& caller, u64 command, u64 argument) { return {caller, __HYPERVISOR_memory_op, {command, argument}}; }

// A reservation of `count` extents; for populate_physmap they are pfns, for decrease_reservation pages of the caller.
Call reserve(Scene& stage, u64 command, unsigned count) {
    auto& extents = stage.arguments<u64>(count);
    for (unsigned i = 0; i < count; ++i) extents[i] = command == XENMEM_decrease_reservation ? stage.one.pages[i].raw() : 100 + i;
    auto& request = stage.arguments<xen_memory_reservation_t>();
    *request = {};
    request->extent_start.p = reinterpret_cast<xen_pfn_t*>(extents.address());
    request->nr_extents = count;
    request->domid = DOMID_SELF;
    return memory_op(stage.one.vcpu, command, request.address());
}

// The number of extents done is the answer.
bool is_told_less(Scene&, i64 result) { return result < 3; }

Call exchange(Scene& stage, Stage::Home& home, unsigned in_order, unsigned out_order, u64 frames) {
    auto& in = stage.arguments<u64>(frames >> in_order);
    auto& out = stage.arguments<u64>(frames >> out_order);
    for (u64 i = 0; i < frames >> in_order; ++i) in[i] = home.pages[i << in_order].raw();
    for (u64 i = 0; i < frames >> out_order; ++i) out[i] = 200 + (i << out_order);
    auto& request = stage.arguments<xen_memory_exchange_t>();
    *request = {};
    request->in.extent_start.p = reinterpret_cast<xen_pfn_t*>(in.address());
    request->in.nr_extents = frames >> in_order;
    request->in.extent_order = in_order;
    request->in.domid = DOMID_SELF;
    request->out.extent_start.p = reinterpret_cast<xen_pfn_t*>(out.address());
    request->out.nr_extents = frames >> out_order;
    request->out.extent_order = out_order;
    request->out.domid = DOMID_SELF;
    return memory_op(home.vcpu, XENMEM_exchange, request.address());
}

Call ask_of_domain(Scene& stage, u64 command) {
    auto& domid = stage.arguments<domid_t>();
    *domid = DOMID_SELF;
    return memory_op(stage.one.vcpu, command, domid.address());
}

Call memory_map(Scene& stage, Vcpu& caller, u64 command) {
    auto& buffer = stage.arguments<E820Entry>(8);
    auto& map = stage.arguments<xen_memory_map_t>();
    map->nr_entries = 8;
    map->buffer.p = reinterpret_cast<void*>(buffer.address());
    return memory_op(caller, command, map.address());
}

Call set_memory_map(Scene& stage, unsigned) {
    auto& entries = stage.arguments<E820Entry>(2);
    entries[0] = {0, 64 * kPageSize, E820Type::ram};
    entries[1] = {64 * kPageSize, kPageSize, E820Type::reserved};
    auto& request = stage.arguments<xen_foreign_memory_map_t>();
    request->domid = 1;
    request->map.nr_entries = 2;
    request->map.buffer.p = reinterpret_cast<void*>(entries.address());
    return memory_op(stage.zero.vcpu, XENMEM_set_memory_map, request.address());
}

Call acquire_grant_frames(Scene& stage, u32 count) {
    auto& frames = stage.arguments<u64>(count);
    auto& request = stage.arguments<xen_mem_acquire_resource_t>();
    *request = {};
    request->domid = 1;
    request->type = XENMEM_resource_grant_table;
    request->id = XENMEM_resource_grant_table_id_shared;
    request->nr_frames = count;
    request->frame_list.p = reinterpret_cast<xen_pfn_t*>(frames.address());
    return memory_op(stage.zero.vcpu, XENMEM_acquire_resource, request.address());
}

constexpr Scenario kScenarios[] = {
    {.name = "populate_physmap",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return reserve(s, XENMEM_populate_physmap, n); },
     .operations = 3,
     .is_told = is_told_less,
     .result = 3},
    {.name = "increase_reservation",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return reserve(s, XENMEM_increase_reservation, n); },
     .operations = 3,
     .is_told = is_told_less,
     .result = 3},
    {.name = "decrease_reservation",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return reserve(s, XENMEM_decrease_reservation, n); },
     .operations = 3,
     .is_told = is_told_less,
     .result = 3},
    {.name = "exchange, page by page",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return exchange(s, s.one, 0, 0, n); },
     .operations = 3,
     .tells_late = true},
    {.name = "exchange for contiguous memory",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return exchange(s, s.zero, 0, 2, 4 * n); },
     .operations = 2,
     .tells_late = true},
    {.name = "exchange of contiguous memory",
     .set_up =
         [](Scene& s) {
             Mfn const first = populate_frames(s.zero.domain, 2, 0).value();
             for (u64 i = 0; i < 4; ++i) s.zero.pages[i] = first + i;
         },
     .call = [](Scene& s, unsigned) { return exchange(s, s.zero, 2, 0, 4); },
     .tells_late = true},
    {.name = "current_reservation",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return ask_of_domain(s, XENMEM_current_reservation); },
     .result = 12},
    {.name = "maximum_reservation",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return ask_of_domain(s, XENMEM_maximum_reservation); },
     .result = 640},
    {.name = "memory_map",
     .set_up = [](Scene& s) { s.one.domain.memory_map_pages = 16; },
     .call = [](Scene& s, unsigned) { return memory_map(s, s.one.vcpu, XENMEM_memory_map); }},
    {.name = "machine_memory_map",
     .set_up = [](Scene&) { machine_memory_map.count = 3; },
     .call = [](Scene& s, unsigned) { return memory_map(s, s.zero.vcpu, XENMEM_machine_memory_map); }},
    {.name = "set_memory_map", .set_up = nullptr, .call = set_memory_map},
    {.name = "machphys_mapping",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return memory_op(s.one.vcpu, XENMEM_machphys_mapping, s.arguments<xen_machphys_mapping_t>().address()); }},
    {.name = "acquire_resource, all there",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return acquire_grant_frames(s, 1); }},
    {.name = "acquire_resource of a table that grows",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return acquire_grant_frames(s, 4); },
     .keeps = Keeps::grown_tables},
};

}  // namespace

TEST_CASE("memory_op fails cleanly wherever it can fail", "[hypercall][faults][memory]") { run_with_faults(kScenarios); }
