// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/heap.hpp"

#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("no frame has a new owner before every processor has forgotten the old one's mappings", "[heap]") {
    World world;
    Mfn const frame = world.heap.alloc().value();
    unsigned const before = machine().tlb_flushes;
    world.heap.free(frame);
    Mfn const again = world.heap.alloc().value();
    CHECK(machine().tlb_flushes == before + 1);
    world.heap.free(world.heap.alloc().value());  // nothing has been freed since
    CHECK(machine().tlb_flushes == before + 1);
    world.heap.free(again);
    tlb_flush_local();  // for another reason
    world.heap.free(world.heap.alloc().value());
    CHECK(machine().tlb_flushes == before + 2);
}

TEST_CASE("a frame comes wiped, whatever it held", "[heap]") {
    World world;
    Mfn const frame = world.heap.alloc(2).value();
    std::memset(frame_pointer(frame), 0x5a, kPageSize << 2);
    world.heap.free(frame, 2);
    Mfn const again = world.heap.alloc(2).value();
    u8 const* const bytes = frame_pointer<u8>(again);
    CHECK(std::all_of(bytes, bytes + (kPageSize << 2), [](u8 byte) { return byte == 0; }));
    world.heap.free(again, 2);
}

TEST_CASE("what is not there is refused, and an address limit holds", "[heap]") {
    World world;
    u64 const before = world.heap.free_pages();
    CHECK(world.heap.alloc(kMaxOrder).error() == Errno::no_memory);
    CHECK(world.heap.alloc(kMaxOrder + 1).error() == Errno::no_memory);
    CHECK(world.heap.alloc(0, 12).error() == Errno::no_memory);  // frame 0 is nobody's
    CHECK(world.heap.free_pages() == before);
    CHECK(world.heap.total_pages() == 2047);
}
