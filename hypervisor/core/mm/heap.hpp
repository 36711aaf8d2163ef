// SPDX-License-Identifier: Apache-2.0
// Free frames: a buddy allocator whose bookkeeping lives in the frame table.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/spinlock.hpp"
#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/mm/frame_table.hpp"

#include <array>

namespace hospes {

inline constexpr unsigned kMaxOrder = 18;  // 1 GiB

class Heap {
public:
    explicit constexpr Heap(FrameTable& frames) : frames_{frames} {}

    // 2^order contiguous frames, zeroed (owner DOMID_XEN, one general reference each). Errno::no_memory. `address_bits` (0: any) bounds
    // the machine addresses. This is how every frame gets a new owner, so nobody sees what another has left.
    Result<Mfn> alloc(unsigned order = 0, unsigned address_bits = 0);
    // The same with whatever the frames hold: only for dom0 while it is built, when nobody has left anything yet.
    Result<Mfn> alloc_uncleared(unsigned order);
    // Gives frames back; whatever they hold is wiped before anybody else sees it.
    void free(Mfn first, unsigned order = 0);

    // Boot: hands a range of RAM over, with unknown contents.
    void add_range(Mfn first, u64 count);
    // Boot: RAM that dom0 owns without having got it from here; it may be given back like any other.
    void count_owned(u64 count) { total_pages_ += count; }

    u64 free_pages() const { return free_pages_; }
    u64 total_pages() const { return total_pages_; }

private:
    Result<Mfn> take(unsigned order, unsigned address_bits);
    Mfn find(unsigned order, unsigned address_bits, unsigned& found_order);
    void release(Mfn first, unsigned order);
    void insert(Mfn first, unsigned order);
    void remove(Mfn first, unsigned order);
    bool is_free_block(Mfn first, unsigned order) const;

    static constexpr u64 kNone = 0xffff'ffff;

    FrameTable& frames_;
    Spinlock lock_{LockRank::heap};
    std::array<u64, kMaxOrder + 1> lists_ = empty_lists();
    u64 free_pages_ = 0;
    u64 total_pages_ = 0;
    u64 last_free_stamp_ = 0;  // TLB clock at the latest free

    static constexpr std::array<u64, kMaxOrder + 1> empty_lists() {
        std::array<u64, kMaxOrder + 1> lists{};
        for (auto& head : lists) head = kNone;
        return lists;
    }
};

}  // namespace hospes
