// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/page_types.hpp"

#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace hospes;
using namespace hospes::test;

namespace {

// A level-2 table of `domain` whose devalidation was interrupted and waits.
Mfn unsettled_table(World& world, Domain& domain) {
    constexpr unsigned kEntries = 5;
    Mfn const table = world.populate(domain);
    for (unsigned i = 0; i < kEntries; ++i) frame_pointer<u64>(table)[i] = Pte::make(world.populate(domain), Pte::kPresent | Pte::kUser).raw();
    REQUIRE(world.page_types.pin(table, domain, PageType::l2_table).ok());
    machine().preempt_after = 0;
    REQUIRE(world.page_types.unpin(table, domain).ok());
    machine().preempt_after = -1;
    REQUIRE(TypeWord::Unsettled::get(world.ram.frames()[table].type.load()) != 0);
    return table;
}

// A level-2 table whose entries all name `below`, of which 256 were validated when its pin was interrupted.
Mfn half_done_table(World& world, Domain& domain, Mfn below) {
    Mfn const table = world.populate(domain);
    for (unsigned i = 0; i < kEntriesPerTable; ++i) frame_pointer<u64>(table)[i] = Pte::make(below, Pte::kPresent | Pte::kUser).raw();
    machine().preempt_after = 0;
    REQUIRE(world.page_types.pin(table, domain, PageType::l2_table).error() == Errno::restart);
    machine().preempt_after = -1;
    REQUIRE(TypeWord::Progress::get(world.ram.frames()[table].type.load()) == 256);
    return table;
}

// A level-4 table over `width` of each level below, all of them apart, whose level-1 tables map one page `kEntriesPerTable` times each.
struct Tree : World {
    Domain& domain = add_domain(1);
    Mfn const data = populate(domain);
    Mfn root;

    explicit Tree(unsigned width) : World{1024} { root = table(4, width); }

    Mfn table(unsigned level, unsigned width) {
        Mfn const mfn = populate(domain);
        for (unsigned i = 0; i < (level == 1 ? kEntriesPerTable : width); ++i) {
            frame_pointer<u64>(mfn)[i] = Pte::make(level == 1 ? data : table(level - 1, width), Pte::kPresent | Pte::kUser).raw();
        }
        return mfn;
    }
    u64 references() { return RefWord::Count::get(ram.frames()[data].refs.load()); }

    // Calls `step` until it is done, somebody else waiting all the time; returns the most references that came or went in one call.
    template <typename Step>
    u64 most_in_one_call(Step step) {
        machine().is_always_wanted = true;
        u64 most = 0;
        Status status = Errno::restart;
        for (unsigned calls = 0; !status.ok(); ++calls) {
            REQUIRE(status.error() == Errno::restart);
            REQUIRE(calls < 1000);
            u64 const before = references();
            status = step();
            u64 const after = references();
            most = std::max(most, std::max(before, after) - std::min(before, after));
        }
        machine().is_always_wanted = false;
        return most;
    }
};

}  // namespace

TEST_CASE("while others wait, a tree of tables is validated and taken apart one level-1 table a call", "[page_types]") {
    constexpr unsigned kWidth = 5;
    Tree tree{kWidth};
    u64 const before = tree.references();
    CHECK(tree.most_in_one_call([&] { return tree.page_types.pin(tree.root, tree.domain, PageType::l4_table); }) <= kEntriesPerTable);
    CHECK(tree.references() == before + u64{kWidth} * kWidth * kWidth * kEntriesPerTable);
    bool is_unpinned = false;
    u64 const most = tree.most_in_one_call([&] {
        if (is_unpinned) return tree.page_types.settle(tree.domain);
        is_unpinned = true;
        REQUIRE(tree.page_types.unpin(tree.root, tree.domain).ok());
        return Status{Errno::restart};
    });
    CHECK(most <= kEntriesPerTable);
    CHECK(tree.references() == before);
}

TEST_CASE("while others wait, a domain's memory is given up one table a call", "[page_types]") {
    Tree tree{1};
    REQUIRE(tree.page_types.get_page(tree.data, tree.domain.id()).ok());  // it stays, to be counted
    for (unsigned i = 0; i < 20; ++i) REQUIRE(tree.page_types.pin(tree.table(1, 0), tree.domain, PageType::l1_table).ok());
    CHECK(tree.most_in_one_call([&] { return destroy_domain(tree.domain); }) <= kEntriesPerTable + 1);
    tree.page_types.put_page(tree.data);
}

TEST_CASE("while others wait, entries that only count take no turn each", "[page_types]") {
    Tree tree{1};
    Mfn const below = tree.table(2, 1);
    Mfn const table = tree.populate(tree.domain);
    for (unsigned i = 0; i < kEntriesPerTable; ++i) frame_pointer<u64>(table)[i] = Pte::make(below, Pte::kPresent | Pte::kUser).raw();
    machine().is_always_wanted = true;
    unsigned calls = 1;
    for (; !tree.page_types.pin(table, tree.domain, PageType::l3_table).ok(); ++calls) REQUIRE(calls < 10);
    CHECK(calls <= 4);
    REQUIRE(tree.page_types.unpin(table, tree.domain).ok());
    for (calls = 1; !tree.page_types.settle(tree.domain).ok(); ++calls) REQUIRE(calls < 10);
    CHECK(calls <= 4);
    machine().is_always_wanted = false;
    CHECK(tree.page_types.type(below) == PageType::none);
}

TEST_CASE("while others wait, a level-1 table over half-done tables takes back one of them a call", "[page_types]") {
    constexpr unsigned kHalfDone = 5;
    Tree tree{1};
    Mfn const below = tree.level1_table(tree.domain);
    Mfn const table = tree.populate(tree.domain);
    auto const count = [&] { return TypeWord::Count::get(tree.ram.frames()[below].type.load()); };
    u64 const before = count();
    for (unsigned i = 0; i < kHalfDone; ++i) {
        Mfn const half_done = half_done_table(tree, tree.domain, below);
        frame_pointer<u64>(table)[i] = Pte::make(half_done, Pte::kPresent | Pte::kUser | Pte::kWritable).raw();
    }
    SECTION("when it is pinned") {
        machine().is_always_wanted = true;
        for (unsigned i = 1; i <= kHalfDone; ++i) {
            CHECK(tree.page_types.pin(table, tree.domain, PageType::l1_table).ok() == (i == kHalfDone));
            CHECK(count() == before + 256 * (kHalfDone - i));
        }
        machine().is_always_wanted = false;
        REQUIRE(tree.page_types.unpin(table, tree.domain).ok());
    }
    SECTION("when the domain dies") {
        REQUIRE(tree.page_types.get_page(below, tree.domain.id()).ok());  // it stays, to be counted
        tree.domain.life = LifeState::dying;
        machine().is_always_wanted = true;
        for (u64 last = count();;) {
            Status const status = relinquish_memory(tree.domain);
            CHECK(last - count() <= 257);
            last = count();
            if (status.ok()) break;
        }
        machine().is_always_wanted = false;
        CHECK(count() == 0);
        tree.page_types.put_page(below);
    }
}

TEST_CASE("who has nothing left to take apart asks nobody whether to stop", "[page_types]") {
    World world;
    Domain& domain = world.add_domain(1);
    (void)unsettled_table(world, domain);
    machine().preempt_after = 3;  // as often as it may ask between the four tables that are left
    CHECK(world.page_types.settle(domain).ok());
    machine().preempt_after = -1;
}

TEST_CASE("guests' references leave room for those that the core takes to let a frame go", "[page_types]") {
    World world;
    Domain& domain = world.add_domain(1);
    Mfn const table = world.level1_table(domain);
    auto& refs = world.ram.frames()[table].refs;
    u64 const others = RefWord::Count::kMax - 17 - RefWord::Count::get(refs.load());
    refs += others;  // as if that many had been taken
    REQUIRE(world.page_types.get_page(table, domain.id()).ok());
    CHECK(world.page_types.get_page(table, domain.id()).error() == Errno::busy);
    CHECK(world.page_types.unpin(table, domain).ok());
    CHECK(world.page_types.type(table) == PageType::none);
    CHECK(release_frame(domain, table).ok());
    refs -= others;
    world.page_types.put_page(table);
}

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
