// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/x86/leaks.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

TEST_CASE("Intel's processors leak unless they say they do not; those of others never do", "[x86][leaks]") {
    CHECK(leaks_all_memory(kIntelEbx, 0));
    CHECK(leaks_all_memory(kIntelEbx, ~kRdclNo));
    CHECK_FALSE(leaks_all_memory(kIntelEbx, kRdclNo));
    CHECK_FALSE(leaks_all_memory(kAmdEbx, 0));
}

TEST_CASE("AMD's processors keep the x87 pointers of who ran before unless they say they do not; others never do", "[x86][leaks]") {
    CHECK(keeps_x87_pointers(kAmdEbx, 0));
    CHECK(keeps_x87_pointers(kHygonEbx, ~kRestoresX87Pointers));
    CHECK_FALSE(keeps_x87_pointers(kAmdEbx, kRestoresX87Pointers));
    CHECK_FALSE(keeps_x87_pointers(kIntelEbx, 0));
}
