// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/memory.hpp"

#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr unsigned kEntries = 5;

// A level-2 table with tables enough to be interrupted.
Mfn make_table(World& world, Domain& domain) {
    Mfn const table = world.populate(domain);
    for (unsigned i = 0; i < kEntries; ++i) frame_pointer<u64>(table)[i] = Pte::make(world.populate(domain), Pte::kPresent | Pte::kUser).raw();
    return table;
}

u64 references(World& world, Mfn mfn) { return RefWord::Count::get(world.ram.frames()[mfn].refs.load()); }

}  // namespace

TEST_CASE("a domain dies with all its tables, pinned, half done or being taken apart", "[domain][memory]") {
    World world;
    Domain& domain = world.add_domain(1);
    u64 const free_before = world.heap.free_pages();
    Mfn const table = make_table(world, domain);
    SECTION("pinned") { REQUIRE(world.page_types.pin(table, domain, PageType::l2_table).ok()); }
    SECTION("half done") {
        machine().preempt_after = 0;
        REQUIRE(world.page_types.pin(table, domain, PageType::l2_table).error() == Errno::restart);
        REQUIRE(references(world, table) == 2);  // it holds itself
    }
    SECTION("being taken apart") {
        REQUIRE(world.page_types.pin(table, domain, PageType::l2_table).ok());
        machine().preempt_after = 0;
        REQUIRE(world.page_types.unpin(table, domain).ok());
        REQUIRE(domain.unsettled_head.load() == table.raw());
    }
    machine().preempt_after = -1;
    domain.life = LifeState::dying;
    CHECK(relinquish_memory(domain).ok());
    CHECK(domain.total_pages == 0);
    CHECK(world.heap.free_pages() == free_before);
}

TEST_CASE("a frame is released once, by its owner, and what the core shares not at all", "[domain][memory]") {
    World world;
    Domain& domain = world.add_domain(1);
    Domain& other = world.add_domain(2);
    Mfn const page = world.populate(domain);
    CHECK(release_frame(other, page).error() == Errno::invalid);
    REQUIRE(world.page_types.get_page(page, domain.id()).ok());
    CHECK(release_frame(domain, page).ok());
    CHECK(release_frame(domain, page).error() == Errno::invalid);
    CHECK(references(world, page) == 1);
    world.page_types.put_page(page);
    CHECK(references(world, page) == 0);
    u64 const shared = references(world, domain.shared_info_frame);
    CHECK(release_frame(domain, domain.shared_info_frame).error() == Errno::invalid);
    CHECK(references(world, domain.shared_info_frame) == shared);
}

TEST_CASE("a dying domain gets no frame, and none gets more than its limit", "[domain][memory]") {
    World world;
    Domain& domain = world.add_domain(1);
    domain.max_pages = 4;
    REQUIRE(populate_frames(domain, 2, 0).ok());
    CHECK(domain.total_pages == 4);
    CHECK(populate_frames(domain, 0, 0).error() == Errno::no_memory);
    domain.max_pages = ~u64{0};
    CHECK(populate_frames(domain, kMaxOrder + 1, 0).error() == Errno::invalid);
    CHECK(populate_frames(domain, kMaxOrder, 0).error() == Errno::no_memory);
    domain.life = LifeState::dying;
    CHECK(populate_frames(domain, 0, 0).error() == Errno::invalid);
    domain.life = LifeState::alive;
}
