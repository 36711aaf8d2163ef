// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/time/guest_time.hpp"

#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <cstring>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("the wall clock is not written into memory that a dead domain has given back", "[time]") {
    World world;
    Domain& domain = world.add_domain(1);
    Mfn const info = domain.shared_info_frame;
    Mfn const grants = domain.grants.shared_frame(0).value();
    REQUIRE(world.page_types.get_page(grants, domain.id()).ok());  // dom0 still maps the grant table
    world.destroy(domain);
    REQUIRE(world.domains.find(DomId{1}).ok());

    std::memset(frame_pointer(info), 0xaa, kPageSize);
    set_wall_clock({1'700'000'000, 5});
    write_wall_clock_everywhere(world.system);
    for (u64 i = 0; i < kPageSize; ++i) REQUIRE(frame_pointer<u8>(info)[i] == 0xaa);

    world.page_types.put_page(grants);
    reap_dead_domains(world.system);
    CHECK_FALSE(world.domains.find(DomId{1}).ok());
}
