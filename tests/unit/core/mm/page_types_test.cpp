// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/page_types.hpp"

#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

// A level-2 table of `domain` whose devalidation was interrupted and waits.
Mfn unsettled_table(World& world, Domain& domain) {
    constexpr unsigned kEntries = 40;
    Mfn const below = world.populate(domain);
    Mfn const table = world.populate(domain);
    for (unsigned i = 0; i < kEntries; ++i) frame_pointer<u64>(table)[i] = Pte::make(below, Pte::kPresent | Pte::kUser).raw();
    REQUIRE(world.page_types.pin(table, domain, PageType::l2_table).ok());
    machine().preempt_after = 0;
    REQUIRE(world.page_types.unpin(table, domain).ok());
    machine().preempt_after = -1;
    REQUIRE(TypeWord::Unsettled::get(world.ram.frames()[table].type.load()) != 0);
    return table;
}

}  // namespace

TEST_CASE("who wants a table that is still being taken apart does not wait for its owner", "[page_types]") {
    World world;
    Domain& domain = world.add_domain(1);
    Mfn const table = unsettled_table(world, domain);
    // dom0, by a foreign map: the owner makes no hypercall meanwhile.
    unsigned attempts = 0;
    Status status = Errno::restart;
    while (!status.ok() && status.error() == Errno::restart && ++attempts < 10) {
        Status const again = world.page_types.get_page_and_type(table, domain.id(), PageType::writable);
        if (again.ok()) break;
        REQUIRE(again.error() == Errno::restart);
    }
    REQUIRE(attempts < 10);
    world.page_types.put_page_and_type(table);
}

TEST_CASE("taking an unsettled table apart for somebody else can be interrupted, and goes on", "[page_types]") {
    World world;
    Domain& domain = world.add_domain(1);
    Mfn const table = unsettled_table(world, domain);
    machine().preempt_after = 1;
    Status const first = world.page_types.get_page_and_type(table, domain.id(), PageType::l1_table);
    REQUIRE(first.error() == Errno::restart);
    machine().preempt_after = -1;
    // As a level-1 table it maps frames of its owner read-only: allowed.
    REQUIRE(world.page_types.get_page_and_type(table, domain.id(), PageType::l1_table).ok());
    world.page_types.put_page_and_type(table);
}

TEST_CASE("a count that is full is not counted on", "[page_types]") {
    World world;
    Domain& domain = world.add_domain(1);
    Mfn const page = world.populate(domain);
    FrameEntry& entry = world.ram.frames()[page];
    u64 const refs = entry.refs.load();
    entry.refs.store(RefWord::Count::set(refs, RefWord::Count::kMax));
    CHECK(world.page_types.get_page(page, domain.id()).error() == Errno::busy);
    CHECK(entry.refs.load() == RefWord::Count::set(refs, RefWord::Count::kMax));
    entry.refs.store(refs);

    REQUIRE(world.page_types.get_page_and_type(page, domain.id(), PageType::writable).ok());
    u64 const type = entry.type.load();
    entry.type.store(TypeWord::Count::set(type, TypeWord::Count::kMax));
    CHECK(world.page_types.get_type(page, PageType::writable).error() == Errno::busy);
    CHECK(world.page_types.get_another_type(page).error() == Errno::busy);
    CHECK(TypeWord::Count::get(entry.type.load()) == TypeWord::Count::kMax);
    entry.type.store(type);
    world.page_types.put_page_and_type(page);
}

TEST_CASE("the last of a type's references notes when it went", "[page_types]") {
    World world;
    Domain& domain = world.add_domain(1);
    Mfn const page = world.populate(domain);
    auto const stamp = [&] { return TypeWord::Stamp::get(world.ram.frames()[page].type.load()); };
    auto const typed = [&] { return TypeWord::Count::get(world.ram.frames()[page].type.load()); };
    for (int i = 0; i < 2; ++i) REQUIRE(world.page_types.get_page_and_type(page, domain.id(), PageType::writable).ok());
    machine().tlb_clock = 77;
    world.page_types.put_page_and_type(page);
    CHECK(typed() == 1);
    CHECK(stamp() != 77);
    world.page_types.put_page_and_type(page);
    CHECK(typed() == 0);
    CHECK(stamp() == 77);
    REQUIRE(world.page_types.get_page_and_type(page, domain.id(), PageType::writable).ok());  // as before, and nothing to flush
    CHECK(typed() == 1);
    CHECK(machine().tlb_clock == 77);
    world.page_types.put_page_and_type(page);
}

TEST_CASE("when the translations of a former use are flushed, the new use keeps others out already", "[page_types]") {
    World world;
    Domain& domain = world.add_domain(1);
    Mfn const page = world.populate(domain);
    REQUIRE(world.page_types.get_page_and_type(page, domain.id(), PageType::writable).ok());
    world.page_types.put_page_and_type(page);
    unsigned flushes = 0;
    machine().on_flush = [&] {
        ++flushes;
        CHECK(TypeWord::Busy::get(world.ram.frames()[page].type.load()) == 1);
        CHECK(world.page_types.get_page_and_type(page, domain.id(), PageType::writable).error() == Errno::invalid);
    };
    REQUIRE(world.page_types.pin(page, domain, PageType::l1_table).ok());
    CHECK(flushes == 1);
    REQUIRE(world.page_types.unpin(page, domain).ok());
    REQUIRE(world.page_types.pin(page, domain, PageType::l1_table).ok());  // the same use again
    CHECK(flushes == 1);
    machine().on_flush = nullptr;
}

TEST_CASE("a page of descriptors is one only if all of it is allowed", "[page_types]") {
    World world;
    Domain& domain = world.add_domain(1);
    Mfn const page = world.populate(domain);
    frame_pointer<u64>(page)[3] = u64{0xc} << 40 | u64{1} << 47;  // a call gate
    CHECK(world.page_types.get_page_and_type(page, domain.id(), PageType::segdesc).error() == Errno::invalid);
    CHECK(world.page_types.type(page) == PageType::none);
    frame_pointer<u64>(page)[3] = 0;
    REQUIRE(world.page_types.get_page_and_type(page, domain.id(), PageType::segdesc).ok());
    CHECK(world.page_types.get_page_and_type(page, domain.id(), PageType::writable).error() == Errno::invalid);
    world.page_types.put_page_and_type(page);
}
