// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/x86/layout.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

namespace {
constexpr u64 kHole = 0x0000'8000'0000'0000;
}

TEST_CASE("a guest names ranges that lie wholly in the lower half or above the core", "[x86][layout]") {
    CHECK(is_guest_range(GuestAddress{0}, 1));
    CHECK(is_guest_range(GuestAddress{0}, kHole));
    CHECK(is_guest_range(GuestAddress{kHole - 8}, 8));
    CHECK(is_guest_range(GuestAddress{kHypervisorEnd}, 1));
    CHECK(is_guest_range(GuestAddress{~u64{7}}, 8));
    CHECK(is_guest_range(GuestAddress{kHole - 1}, 0));
}

TEST_CASE("no range of a guest's reaches out of its half, into the core or around the end", "[x86][layout]") {
    CHECK_FALSE(is_guest_range(GuestAddress{0}, kHole + 1));
    CHECK_FALSE(is_guest_range(GuestAddress{kHole - 8}, 9));
    CHECK_FALSE(is_guest_range(GuestAddress{kHole - 8}, kHypervisorStart));  // over the hole and into the core
    CHECK_FALSE(is_guest_range(GuestAddress{kHole}, 1));
    CHECK_FALSE(is_guest_range(GuestAddress{kHypervisorStart - 1}, 1));
    CHECK_FALSE(is_guest_range(GuestAddress{kHypervisorStart}, 1));
    CHECK_FALSE(is_guest_range(GuestAddress{kHypervisorEnd - 1}, 1));
    CHECK_FALSE(is_guest_range(GuestAddress{kHypervisorEnd - 1}, 8));
    CHECK_FALSE(is_guest_range(GuestAddress{~u64{7}}, 9));
    CHECK_FALSE(is_guest_range(GuestAddress{1}, ~u64{0}));
    CHECK_FALSE(is_guest_range(GuestAddress{kHypervisorStart}, 0));
}

TEST_CASE("addresses are canonical up to bit 47", "[x86][layout]") {
    CHECK(is_canonical(kHole - 1));
    CHECK_FALSE(is_canonical(kHole));
    CHECK_FALSE(is_canonical(kHypervisorStart - 1));
    CHECK(is_canonical(kHypervisorStart));
}
