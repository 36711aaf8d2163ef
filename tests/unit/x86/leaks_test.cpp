// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/x86/leaks.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

TEST_CASE("Intel's processors leak unless they say they do not; those of others never do", "[x86][leaks]") {
    constexpr u32 kAmdEbx = 0x6874'7541;
    CHECK(leaks_all_memory(kIntelEbx, 0));
    CHECK(leaks_all_memory(kIntelEbx, ~kRdclNo));
    CHECK_FALSE(leaks_all_memory(kIntelEbx, kRdclNo));
    CHECK_FALSE(leaks_all_memory(kAmdEbx, 0));
}
