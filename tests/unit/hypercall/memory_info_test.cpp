// SPDX-License-Identifier: Apache-2.0
// The operations of memory_op that tell of memory: maps, limits, and the frames of a grant table for a toolstack.
#include "hypervisor/abi/xen.hpp"
#include "hypervisor/core/domain/memory_map.hpp"
#include "hypervisor/x86/layout.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Maps : World {
    static constexpr u32 kRoom = 8;

    template <typename Request>
    i64 memory_op(Domain& caller, u64 command, GuestArray<Request>& arg) {
        return hypercall(*caller.vcpus[0], __HYPERVISOR_memory_op, {command, arg.address()});
    }
    i64 map(Domain& caller, u64 command, u32 room = kRoom) {
        *request = {};
        request->nr_entries = room;
        request->buffer.p = reinterpret_cast<void*>(entries.address());
        return memory_op(caller, command, request);
    }
    i64 set_map(Domain& caller, u16 of, u32 count) {
        GuestArray<xen_foreign_memory_map_t> foreign;
        *foreign = {};
        foreign->domid = of;
        foreign->map.nr_entries = count;
        foreign->map.buffer.p = reinterpret_cast<void*>(entries.address());
        return memory_op(caller, XENMEM_set_memory_map, foreign);
    }

    Domain& domain = add_domain(1);
    GuestArray<xen_memory_map_t> request;
    GuestArray<E820Entry> entries{kRoom};
};

struct Resource : World {
    Resource() { request->type = XENMEM_resource_grant_table; }
    i64 acquire(u16 of, u64 first, u32 count, bool has_list = true) {
        request->domid = of;
        request->frame = first;
        request->nr_frames = count;
        request->frame_list.p = has_list ? reinterpret_cast<xen_pfn_t*>(frames.address()) : nullptr;
        return hypercall(*dom0().vcpus[0], __HYPERVISOR_memory_op, {XENMEM_acquire_resource, request.address()});
    }

    Domain& domain = add_domain(1);
    GuestArray<xen_mem_acquire_resource_t> request;
    GuestArray<u64> frames{4};
};

}  // namespace

TEST_CASE("a domain's memory map is as long as its toolstack has said", "[hypercall][memory]") {
    Maps w;
    CHECK(w.map(w.domain, XENMEM_memory_map) == to_abi(Errno::no_system_call));  // nobody has said anything
    w.entries[0] = {0, 0x9'f000, E820Type::ram};
    w.entries[1] = {0x10'0000, 0x70'0000, E820Type::ram};
    w.entries[2] = {u64{1} << 40, u64{1} << 30, E820Type::reserved};
    CHECK(w.set_map(w.domain, 1, 3) == to_abi(Errno::perm));
    CHECK(w.set_map(w.dom0(), 77, 3) == to_abi(Errno::no_such_domain));
    CHECK(w.set_map(w.dom0(), 1, kMaxE820Entries + 1) == to_abi(Errno::invalid));
    CHECK(w.set_map(w.dom0(), 1, Maps::kRoom + 1) == to_abi(Errno::fault));
    CHECK(w.domain.memory_map_pages == 0);
    REQUIRE(w.set_map(w.dom0(), 1, 3) == 0);

    REQUIRE(w.map(w.domain, XENMEM_memory_map) == 0);
    CHECK(w.request->nr_entries == 1);
    CHECK(w.entries[0].address == 0);
    CHECK(w.entries[0].size == 0x80'0000);
    CHECK(w.entries[0].type == E820Type::ram);
    CHECK(w.map(w.domain, XENMEM_memory_map, 0) == to_abi(Errno::invalid));
}

TEST_CASE("the machine's memory map is the control domain's to read, whole or not at all", "[hypercall][memory]") {
    Maps w;
    MachineMemoryMap const before = machine_memory_map;
    machine_memory_map.count = 2;
    machine_memory_map.entries[0] = {0, 0x1000, E820Type::ram};
    machine_memory_map.entries[1] = {0x1000, 0x2000, E820Type::acpi};
    CHECK(w.map(w.domain, XENMEM_machine_memory_map) == to_abi(Errno::perm));
    CHECK(w.map(w.dom0(), XENMEM_machine_memory_map, 1) == to_abi(Errno::invalid));
    REQUIRE(w.map(w.dom0(), XENMEM_machine_memory_map) == 0);
    CHECK(w.request->nr_entries == 2);
    CHECK(w.entries[1].size == 0x2000);
    CHECK(w.entries[1].type == E820Type::acpi);
    machine_memory_map = before;
}

TEST_CASE("reservations are told of oneself, and to the control domain of others", "[hypercall][memory]") {
    Maps w;
    (void)w.populate(w.domain);
    w.domain.max_pages = 77;
    GuestArray<domid_t> who;
    *who = DOMID_SELF;
    CHECK(w.memory_op(w.domain, XENMEM_current_reservation, who) == 1);
    CHECK(w.memory_op(w.domain, XENMEM_maximum_reservation, who) == 77);
    *who = 1;
    CHECK(w.memory_op(w.dom0(), XENMEM_current_reservation, who) == 1);
    *who = 0;
    CHECK(w.memory_op(w.domain, XENMEM_current_reservation, who) == to_abi(Errno::perm));
    CHECK(w.memory_op(w.domain, XENMEM_maximum_reservation, who) == to_abi(Errno::perm));
    *who = 77;
    CHECK(w.memory_op(w.dom0(), XENMEM_maximum_reservation, who) == to_abi(Errno::no_such_domain));
    CHECK(World::hypercall(*w.domain.vcpus[0], __HYPERVISOR_memory_op, {XENMEM_current_reservation, 0x10}) == to_abi(Errno::fault));
}

TEST_CASE("the machine-to-physical table is where it is, as long as RAM", "[hypercall][memory]") {
    Maps w;
    GuestArray<xen_machphys_mapping_t> mapping;
    REQUIRE(w.memory_op(w.domain, XENMEM_machphys_mapping, mapping) == 0);
    CHECK(mapping->v_start == kM2pBase);
    CHECK(mapping->v_end == kM2pEnd);
    CHECK(mapping->max_mfn == w.ram.count() - 1);
    CHECK(w.memory_op(w.domain, XENMEM_maximum_ram_page, mapping) == static_cast<i64>(w.ram.count() - 1));
    CHECK(w.memory_op(w.domain, 9, mapping) == to_abi(Errno::no_system_call));  // of another kind of guest
}

TEST_CASE("a toolstack gets the frames of a domain's grant table, which grows for it", "[hypercall][memory]") {
    Resource w;
    REQUIRE(w.acquire(1, 0, 2) == 0);
    CHECK(w.domain.grants.frame_count() == 2);
    CHECK(w.frames[0] == w.domain.grants.shared_frame(0).value().raw());
    CHECK(w.frames[1] == w.domain.grants.shared_frame(1).value().raw());
    REQUIRE(w.acquire(1, 0, 0, false) == 0);  // how many could there be?
    CHECK(w.request->nr_frames == w.domain.grants.max_frames());
    CHECK(w.acquire(1, 0, 1, false) == to_abi(Errno::invalid));
}

TEST_CASE("what is no frame of a grant table is not offered", "[hypercall][memory]") {
    Resource w;
    u32 const most = w.domain.grants.max_frames();
    CHECK(w.acquire(77, 0, 1) == to_abi(Errno::no_such_domain));
    CHECK(w.acquire(1, most, 1) == to_abi(Errno::invalid));
    CHECK(w.acquire(1, most + 1, 0) == to_abi(Errno::invalid));
    CHECK(w.acquire(1, 1, most) == to_abi(Errno::invalid));
    CHECK(w.acquire(1, ~u64{0}, 2) == to_abi(Errno::invalid));
    w.request->id = 1;  // its status frames: of version 2
    CHECK(w.acquire(1, 0, 1) == to_abi(Errno::invalid));
    w.request->id = 0;
    w.request->type = 0;  // an ioreq server
    CHECK(w.acquire(1, 0, 1) == to_abi(Errno::not_supported));
    CHECK(World::hypercall(*w.domain.vcpus[0], __HYPERVISOR_memory_op, {XENMEM_acquire_resource, w.request.address()}) == to_abi(Errno::perm));
    CHECK(w.domain.grants.frame_count() == 0);
}
