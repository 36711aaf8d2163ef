// SPDX-License-Identifier: Apache-2.0
// Random allocations and frees against a plain set of frames in use.
#include "hypervisor/core/mm/heap.hpp"

#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <random>
#include <set>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kFrames = 600;

struct Block {
    Mfn first;
    unsigned order;
};

struct Allocations {
    explicit Allocations(u64 seed) : rng{seed} {
        machine() = FakeMachine{};
        heap.add_range(Mfn{1}, kFrames - 1);
    }

    void alloc() {
        unsigned const order = static_cast<unsigned>(rng() % 6);
        unsigned const bits = rng() % 4 == 0 ? kPageShift + 8 : 0;  // now and then only below frame 256
        bool const is_scrubbed = bits != 0 || rng() % 2 == 0;
        Result<Mfn> const first = is_scrubbed ? heap.alloc(order, bits) : heap.alloc_uncleared(order);
        if (!first.ok()) {
            REQUIRE(first.error() == Errno::no_memory);
            REQUIRE_FALSE(is_some_block_free(order, bits == 0 ? kFrames : 256));
            return;
        }
        u64 const start = first.value().raw();
        REQUIRE(start % (u64{1} << order) == 0);
        if (bits != 0) REQUIRE(start + (u64{1} << order) <= 256);
        for (u64 mfn = start; mfn < start + (u64{1} << order); ++mfn) take(mfn, is_scrubbed);
        blocks.push_back({first.value(), order});
    }
    void take(u64 mfn, bool is_scrubbed) {
        REQUIRE((mfn >= 1 && mfn < kFrames));
        REQUIRE(used.insert(mfn).second);
        REQUIRE(ram.frames().owner(Mfn{mfn}) == kDomIdXen);
        u64 const* const words = frame_pointer<u64>(Mfn{mfn});
        bool is_zero = true;
        for (unsigned i = 0; i < kPageSize / sizeof(u64); ++i) is_zero = is_zero && words[i] == 0;
        if (is_scrubbed) REQUIRE(is_zero);
        REQUIRE(machine().tlb_clock > freed_at[mfn]);  // every pcpu has flushed since somebody else had the frame
        std::memset(frame_pointer(Mfn{mfn}), 0x5a, kPageSize);
    }
    void free() {
        if (blocks.empty()) return;
        usize const i = rng() % blocks.size();
        Block const block = blocks[i];
        blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
        for (u64 mfn = block.first.raw(); mfn < block.first.raw() + (u64{1} << block.order); ++mfn) {
            used.erase(mfn);
            freed_at[mfn] = machine().tlb_clock;
        }
        heap.free(block.first, block.order);
    }
    bool is_some_block_free(unsigned order, u64 limit) const {
        u64 const size = u64{1} << order;
        for (u64 start = 0; start + size <= limit; start += size) {
            auto const next = used.lower_bound(start);
            if (start != 0 && (next == used.end() || *next >= start + size)) return true;
        }
        return false;
    }

    std::mt19937_64 rng;
    FakeRam ram{kFrames};
    Heap heap{ram.frames()};
    std::vector<Block> blocks;
    std::set<u64> used;
    std::map<u64, u64> freed_at;
};

}  // namespace

TEST_CASE("the heap never gives a frame twice, and finds a block whenever there is one", "[property][heap]") {
    for (u64 seed = 1; seed <= 30; ++seed) {
        Allocations world{seed};
        for (int step = 0; step < 400; ++step) {
            INFO("seed " << seed << ", step " << step);
            if (world.rng() % 5 < 3) {
                world.alloc();
            } else {
                world.free();
            }
            REQUIRE(world.heap.free_pages() == kFrames - 1 - world.used.size());
        }
    }
}
