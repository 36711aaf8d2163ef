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
