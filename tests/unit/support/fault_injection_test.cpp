// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fault_injection.hpp"

#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("the n-th allocation or copy of the core can be made to fail, and only that", "[support]") {
    World world;
    Domain& domain = world.add_domain(1);
    GuestArray<u32> word;
    fault_injection().fail_at = 4;
    CHECK(GuestHandle<u32>{word.address()}.read().ok());
    CHECK(populate_frames(domain, 0, 0).ok());
    CHECK(domain.events.reserve().ok());  // takes a page for its ports
    CHECK(!fault_injection().has_failed);
    CHECK(GuestHandle<u32>{word.address()}.write(1).error() == Errno::fault);
    CHECK(fault_injection().has_failed);
    CHECK(GuestHandle<u32>{word.address()}.write(1).ok());

    fault_injection() = {.fail_at = 1};
    CHECK(populate_frames(domain, 0, 0).error() == Errno::no_memory);
    CHECK(populate_frames(domain, 0, 0).ok());
}
