// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/grant/map.hpp"

#include "hypervisor/core/domain/life_cycle.hpp"
#include "tests/support/hypervisor/grants.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {
constexpr u32 kByEntry = GNTMAP_host_map | GNTMAP_contains_pte;
}

TEST_CASE("a granted frame is mapped where the mapper asks, with its own software bits", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    u32 const flags = kByEntry | GNTMAP_application_map | 1u << _GNTMAP_guest_avail0;
    GrantMapResult const mapped = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 5), flags);

    REQUIRE(mapped.status == GrantStatus::okay);
    CHECK(mapped.bus_address == maddr_of(w.page));
    Pte const pte = w.entry_of(w.table, 5);
    CHECK(pte.mfn() == w.page);
    CHECK(pte.is_present());
    CHECK(pte.is_writable());
    CHECK(pte.has(Pte::kUser));
    CHECK((pte.raw() & Pte::kAvailable) == 1u << 9);
    CHECK(w.entry(w.granter, 8).flags == (GTF_permit_access | GTF_reading | GTF_writing));
    CHECK(w.page_types.type(w.page) == PageType::writable);
    CHECK(w.granter.grants.pins() == 1);
    CHECK(w.unmap(w.mapper, mapped.handle, w.entry_address(w.table, 5)) == GrantStatus::okay);
}

TEST_CASE("a read-only mapping is read-only, and marks the entry as read only", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page, GTF_permit_access | GTF_readonly);
    CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0)).status == GrantStatus::general_error);
    CHECK(w.entry(w.granter, 8).flags == (GTF_permit_access | GTF_readonly));

    GrantMapResult const mapped = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0), kByEntry | GNTMAP_readonly);
    REQUIRE(mapped.status == GrantStatus::okay);
    CHECK_FALSE(w.entry_of(w.table, 0).is_writable());
    CHECK(w.entry(w.granter, 8).flags == (GTF_permit_access | GTF_readonly | GTF_reading));
    CHECK(w.page_types.type(w.page) == PageType::none);
}

TEST_CASE("unmapping clears the entry, flushes, and only then lets the frame go", "[grant]") {
    GrantWorld w;
    u64 const before = w.references(w.page);
    w.grant(w.granter, 8, w.mapper, w.page);
    GrantMapResult const mapped = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 1));
    CHECK(w.references(w.page) == before + 2);  // the entry's own, and the handle's

    bool was_held = false;
    machine().on_flush = [&] {
        CHECK_FALSE(w.entry_of(w.table, 1).is_present());
        was_held = w.references(w.page) == before + 1 && w.granter.grants.pins() == 1;
    };
    CHECK(w.unmap(w.mapper, mapped.handle, w.entry_address(w.table, 1)) == GrantStatus::okay);
    machine().on_flush = nullptr;
    CHECK(was_held);
    CHECK(w.references(w.page) == before);
    CHECK(w.page_types.type(w.page) == PageType::none);
    CHECK(w.entry(w.granter, 8).flags == GTF_permit_access);
    CHECK(w.unmap(w.mapper, mapped.handle, w.entry_address(w.table, 1)) == GrantStatus::bad_handle);
}

TEST_CASE("a batch of unmaps flushes once", "[grant]") {
    GrantWorld w;
    std::array<GrantHandle, 20> handles;
    for (u32 i = 0; i < handles.size(); ++i) {
        w.grant(w.granter, 8 + i, w.mapper, w.page);
        handles[i] = w.map(w.mapper, w.granter, 8 + i, w.entry_address(w.table, i)).handle;
    }
    unsigned const before = machine().tlb_flushes;
    {
        UnmapBatch batch{*w.mapper.vcpus[0]};
        for (u32 i = 0; i < handles.size(); ++i)
            CHECK(batch.unmap({w.entry_address(w.table, i), 0, handles[i]}) == GrantStatus::okay);
        CHECK(batch.unmap({w.entry_address(w.table, 0), 0, handles[0]}) == GrantStatus::bad_handle);
    }
    CHECK(machine().tlb_flushes == before + 1);
    CHECK(w.granter.grants.pins() == 0);
}

TEST_CASE("a grant is for the domain it names, of a frame of the granter, in an entry that exists", "[grant]") {
    GrantWorld w;
    Domain& third = w.add_domain(3);
    Mfn const others = w.populate(third);
    u64 const place = w.entry_address(w.table, 0);

    SECTION("for another domain") {
        w.grant(w.granter, 8, third, w.page);
        CHECK(w.map(w.mapper, w.granter, 8, place).status == GrantStatus::general_error);
    }
    SECTION("no entry yet written") {
        (void)w.granter.grants.grow(1);
        CHECK(w.map(w.mapper, w.granter, 8, place).status == GrantStatus::general_error);
    }
    SECTION("beyond the table") {
        (void)w.granter.grants.grow(1);
        CHECK(w.map(w.mapper, w.granter, 512, place).status == GrantStatus::bad_gref);
        CHECK(w.map(w.mapper, w.granter, ~u32{0}, place).status == GrantStatus::bad_gref);
    }
    SECTION("a frame that is not the granter's") {
        w.grant(w.granter, 8, w.mapper, others);
        CHECK(w.map(w.mapper, w.granter, 8, place).status == GrantStatus::bad_page);
        CHECK(w.entry(w.granter, 8).flags == GTF_permit_access);
        w.grant(w.granter, 9, w.mapper, Mfn{0xffff'ffff});
        CHECK(w.map(w.mapper, w.granter, 9, place).status == GrantStatus::bad_page);
    }
    SECTION("a page table of the granter, to be written") {
        Mfn const granters_table = w.level1_table(w.granter);
        w.grant(w.granter, 8, w.mapper, granters_table);
        CHECK(w.map(w.mapper, w.granter, 8, place).status == GrantStatus::general_error);
    }
    SECTION("a transfer") {
        w.grant(w.granter, 8, w.mapper, w.page, GTF_accept_transfer);
        CHECK(w.map(w.mapper, w.granter, 8, place).status == GrantStatus::general_error);
    }
    SECTION("a domain that is not there") {
        CHECK(map_grant(*w.mapper.vcpus[0], {place, kByEntry, GrantRef{8}, DomId{99}}).status == GrantStatus::bad_domain);
        CHECK(map_grant(*w.mapper.vcpus[0], {place, kByEntry, GrantRef{8}, kDomIdXen}).status == GrantStatus::bad_domain);
    }
    SECTION("neither for the processor nor for devices") {
        w.grant(w.granter, 8, w.mapper, w.page);
        CHECK(w.map(w.mapper, w.granter, 8, place, GNTMAP_contains_pte).status == GrantStatus::bad_gref);
    }
    CHECK(w.granter.grants.pins() == 0);
    CHECK(w.mapper.grants.maptrack().handles_in_use() == 0);
    CHECK_FALSE(w.entry_of(w.table, 0).is_present());
}

TEST_CASE("a mapping that cannot be placed leaves nothing behind", "[grant]") {
    GrantWorld w;
    Mfn const plain = w.populate(w.mapper);
    Mfn const granters_table = w.level1_table(w.granter);
    w.grant(w.granter, 8, w.mapper, w.page);
    u64 const before = w.references(w.page);
    CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(plain, 0)).status == GrantStatus::general_error);
    CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(granters_table, 0)).status == GrantStatus::general_error);
    CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0) + 4).status == GrantStatus::general_error);
    CHECK(w.map(w.mapper, w.granter, 8, ~u64{7}).status == GrantStatus::general_error);
    CHECK(w.references(w.page) == before);
    CHECK(w.granter.grants.pins() == 0);
    CHECK(w.entry(w.granter, 8).flags == GTF_permit_access);
    CHECK(w.mapper.grants.maptrack().handles_in_use() == 0);
}

TEST_CASE("what the granter writes into a pinned entry changes nothing for who has it pinned", "[grant]") {
    GrantWorld w;
    Mfn const other_page = w.populate(w.granter);
    w.grant(w.granter, 8, w.mapper, w.page);
    GrantMapResult const first = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0));
    REQUIRE(first.status == GrantStatus::okay);

    w.entry(w.granter, 8) = {0, 77, static_cast<u32>(other_page.raw())};
    GrantMapResult const second = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 1), kByEntry | GNTMAP_readonly);
    REQUIRE(second.status == GrantStatus::okay);
    CHECK(w.entry_of(w.table, 1).mfn() == w.page);
    CHECK(w.unmap(w.mapper, first.handle, w.entry_address(w.table, 0)) == GrantStatus::okay);
    CHECK(w.unmap(w.mapper, second.handle, w.entry_address(w.table, 1)) == GrantStatus::okay);
    CHECK(w.references(other_page) == 1);
    CHECK(w.references(w.page) == 1);
}

TEST_CASE("writing needs the entry's word again when only readers have it pinned", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    REQUIRE(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0), kByEntry | GNTMAP_readonly).status == GrantStatus::okay);
    w.entry(w.granter, 8).flags = GTF_permit_access | GTF_readonly | GTF_reading;
    CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 1)).status == GrantStatus::general_error);
}

TEST_CASE("a pinned entry is for one domain only", "[grant]") {
    GrantWorld w;
    Domain& third = w.add_domain(3);
    Mfn const third_table = w.level1_table(third);
    w.grant(w.granter, 8, w.mapper, w.page);
    REQUIRE(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0)).status == GrantStatus::okay);
    w.entry(w.granter, 8).domid = 3;
    CHECK(w.map(third, w.granter, 8, w.entry_address(third_table, 0)).status == GrantStatus::general_error);
}

TEST_CASE("an entry takes so many pins and no more", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    for (unsigned i = 0; i < 255; ++i) REQUIRE(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, i)).status == GrantStatus::okay);
    CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 255)).status == GrantStatus::no_space);
    CHECK(w.granter.grants.pins() == 255);
}

TEST_CASE("a mapping for devices gives the bus address and needs no entry", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    GrantMapResult const mapped = w.map(w.mapper, w.granter, 8, 0, GNTMAP_device_map);
    REQUIRE(mapped.status == GrantStatus::okay);
    CHECK(mapped.bus_address == maddr_of(w.page));
    CHECK(w.references(w.page) == 2);
    CHECK(w.unmap(w.mapper, mapped.handle, 0, mapped.bus_address.raw() + kPageSize) == GrantStatus::bad_device_address);
    CHECK(w.unmap(w.mapper, mapped.handle, 0, 0) == GrantStatus::okay);
    CHECK(w.granter.grants.pins() == 1);
    CHECK(w.unmap(w.mapper, mapped.handle, 0, mapped.bus_address.raw()) == GrantStatus::okay);
    CHECK(w.granter.grants.pins() == 0);
}

TEST_CASE("the two halves of a mapping go one by one", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    GrantMapResult const mapped = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0), kByEntry | GNTMAP_device_map);
    REQUIRE(mapped.status == GrantStatus::okay);
    CHECK(w.unmap(w.mapper, mapped.handle, w.entry_address(w.table, 0)) == GrantStatus::okay);
    CHECK_FALSE(w.entry_of(w.table, 0).is_present());
    CHECK(w.granter.grants.pins() == 1);
    CHECK(w.unmap(w.mapper, mapped.handle, 0, mapped.bus_address.raw()) == GrantStatus::okay);
    CHECK(w.granter.grants.pins() == 0);
}

TEST_CASE("unmapping where the frame is not mapped is refused, and the handle stays", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    GrantMapResult const mapped = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0));
    CHECK(w.unmap(w.mapper, mapped.handle, w.entry_address(w.table, 1)) == GrantStatus::general_error);
    CHECK(w.unmap(w.granter, mapped.handle, w.entry_address(w.table, 0)) == GrantStatus::bad_handle);
    CHECK(w.unmap(w.mapper, GrantHandle{~u32{0}}, 0) == GrantStatus::bad_handle);
    CHECK(w.unmap(w.mapper, mapped.handle, w.entry_address(w.table, 0)) == GrantStatus::okay);
}

TEST_CASE("the handle of a grant for writing unmaps what maps for writing, and no other", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    GrantMapResult const writer = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0), kByEntry);
    GrantMapResult const reader = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 1), kByEntry | GNTMAP_readonly);
    REQUIRE((writer.status == GrantStatus::okay && reader.status == GrantStatus::okay));
    CHECK(w.unmap(w.mapper, writer.handle, w.entry_address(w.table, 1)) == GrantStatus::general_error);
    CHECK(w.unmap(w.mapper, reader.handle, w.entry_address(w.table, 0)) == GrantStatus::general_error);
    CHECK(w.unmap(w.mapper, writer.handle, w.entry_address(w.table, 0)) == GrantStatus::okay);
    CHECK(w.unmap(w.mapper, reader.handle, w.entry_address(w.table, 1)) == GrantStatus::okay);
}

TEST_CASE("a mapper that dies gives everything back, preemptibly", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    for (unsigned i = 0; i < 10; ++i) REQUIRE(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, i)).status == GrantStatus::okay);
    unsigned restarts = 0;
    for (;;) {
        machine().preempt_after = 0;
        Status const status = w.mapper.grants.release_mappings();
        w.granter.grants.check();
        if (status.ok()) break;
        ++restarts;
    }
    machine().preempt_after = -1;
    CHECK(restarts == 10);
    CHECK(w.granter.grants.pins() == 0);
    w.destroy(w.mapper);
    CHECK(w.references(w.page) == 1);
}

TEST_CASE("a granter that dies stays until its mappers let go, and grants nothing new", "[grant]") {
    GrantWorld w;
    w.grant(w.granter, 8, w.mapper, w.page);
    GrantMapResult const mapped = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0));
    frame_pointer<u8>(w.page)[0] = 42;
    w.destroy(w.granter);
    REQUIRE(w.domains.find(DomId{1}).ok());
    CHECK(frame_pointer<u8>(w.page)[0] == 42);
    CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 1)).status == GrantStatus::bad_domain);
    CHECK(w.granter.grants.shared_frame(0).ok());
    CHECK(w.granter.grants.shared_frame(5).error() == Errno::invalid);

    CHECK(w.unmap(w.mapper, mapped.handle, w.entry_address(w.table, 0)) == GrantStatus::okay);
    reap_dead_domains(w.system);
    CHECK(w.domains.find(DomId{1}).error() == Errno::no_such_domain);
}

TEST_CASE("a dead granter whose last mapped frame is one of its own tables is reaped when its mapper lets go", "[grant]") {
    GrantWorld w;
    Mfn const table = w.granter.grants.shared_frame(0).value();
    w.grant(w.granter, 8, w.mapper, table, GTF_permit_access | GTF_readonly);
    GrantMapResult const mapped = w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 2), kByEntry | GNTMAP_readonly);
    REQUIRE(mapped.status == GrantStatus::okay);
    DomId const id = w.granter.id();
    w.destroy(w.granter);
    reap_dead_domains(w.system);
    (void)w.domains.take_reaping();
    REQUIRE(w.domains.find(id).ok());
    REQUIRE(w.unmap(w.mapper, mapped.handle, w.entry_address(w.table, 2)) == GrantStatus::okay);
    CHECK(w.domains.wants_reaping());
    reap_dead_domains(w.system);
    CHECK_FALSE(w.domains.find(id).ok());
}

TEST_CASE("a mapper's handles are bounded by its limit", "[grant]") {
    GrantWorld w;
    REQUIRE(w.mapper.grants.set_limits(4, 1).ok());
    CHECK(w.mapper.grants.set_limits(65, 1).error() == Errno::invalid);
    CHECK(w.mapper.grants.set_limits(1, 513).error() == Errno::invalid);
    w.grant(w.granter, 8, w.mapper, w.page);
    w.grant(w.granter, 9, w.mapper, w.page);
    for (u32 i = 0; i < kHandlesPerFrame; ++i)
        REQUIRE(w.map(w.mapper, w.granter, 8 + i % 2, 0, GNTMAP_device_map).status == GrantStatus::okay);
    CHECK(w.map(w.mapper, w.granter, 8, 0, GNTMAP_device_map).status == GrantStatus::no_space);
}

TEST_CASE("only an entry of the plain kind, of the table, for this domain, is a grant", "[grant]") {
    GrantWorld w;
    u64 const before = w.references(w.page);
    for (unsigned const flags : {unsigned{GTF_invalid}, GTF_accept_transfer, GTF_transitive, GTF_transitive | GTF_sub_page}) {
        w.grant(w.granter, 8, w.mapper, w.page, static_cast<u16>(flags));
        CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0)).status == GrantStatus::general_error);
        CHECK(w.entry(w.granter, 8).flags == flags);
    }
    w.grant(w.granter, 8, w.dom0(), w.page);
    CHECK(w.map(w.mapper, w.granter, 8, w.entry_address(w.table, 0)).status == GrantStatus::general_error);
    w.grant(w.granter, 0, w.mapper, w.page);
    for (u32 const ref : {512u, 513u, 1u << 16, ~0u}) CHECK(w.map(w.mapper, w.granter, ref, w.entry_address(w.table, 0)).status == GrantStatus::bad_gref);
    CHECK(w.references(w.page) == before);
    CHECK(w.granter.grants.pins() == 0);
}

TEST_CASE("handles that room was made for take no further memory", "[grant]") {
    GrantWorld w;
    Maptrack& maptrack = w.mapper.grants.maptrack();
    REQUIRE(maptrack.make_room(3).ok());
    u64 const free = w.heap.free_pages();
    REQUIRE(maptrack.make_room(2).ok());
    for (u32 i = 0; i < 3 * kHandlesPerFrame; ++i) REQUIRE(maptrack.reserve().ok());
    CHECK(w.heap.free_pages() == free);
    REQUIRE(maptrack.reserve().ok());
    CHECK(w.heap.free_pages() == free - 1);
    CHECK(maptrack.make_room(kMaxMaptrackFrames + 1).error() == Errno::no_space);
}
