// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/x86/guest_pointer.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

namespace {
constexpr u64 kHole = 0x0000'8000'0000'0000;
}

TEST_CASE("a guest's pointer is itself in both parts of the address space that are the guest's", "[x86][guest_pointer]") {
    for (u64 const address : {u64{1}, u64{0x1234'5678}, kHole - 1, kHypervisorEnd, kHypervisorEnd + 1, ~u64{0} - 7, ~u64{0}}) {
        CHECK(guest_pointer(GuestAddress{address}) == address);
    }
}

TEST_CASE("a pointer into the core or to where nothing can be is 0", "[x86][guest_pointer]") {
    for (u64 const address : {kHole, kHole + 1, u64{1} << 62, u64{1} << 63, kHypervisorStart - 1, kHypervisorStart, kM2pBase + 8, kFrameTableBase,
                              kCoreBase, kDirectMapBase, kHypervisorEnd - 1}) {
        CHECK(guest_pointer(GuestAddress{address}) == 0);
    }
}

TEST_CASE("every pointer is as good as the range of one byte that starts at it", "[x86][guest_pointer]") {
    for (u64 top = 0; top < 1u << 21; ++top) {  // all of bits 43 to 63
        GuestAddress const address{top << 43 | 0x7ff'ffff'fff8};
        REQUIRE(guest_pointer(address) == (is_guest_range(address, 1) ? address.raw() : 0));
    }
}

TEST_CASE("no memory that starts at a guest's pointer reaches into the core", "[x86][guest_pointer]") {
    CHECK(kHole - 1 + kLongestGuestMemory <= kHypervisorStart);
    for (u64 const address : {kHypervisorEnd, ~u64{0}}) CHECK(address + kLongestGuestMemory <= kHole);  // over the end, into the lower half
}
