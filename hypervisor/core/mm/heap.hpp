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
    explicit Heap(FrameTable& frames) : frames_{frames} {}

    // 2^order contiguous frames, zeroed, for the core's own use (owner DOMID_XEN, one general reference each).
    // Errno::no_memory. `address_bits` (0: any) limits the highest machine address.
    Result<Mfn> alloc(unsigned order = 0, unsigned address_bits = 0);
    // The same, without zeroing when the frames are known not to hold another domain's data or `scrub` is false (dom0 at boot).
    Result<Mfn> alloc_for_domain(unsigned order, unsigned address_bits, bool scrub);
    void free(Mfn first, unsigned order = 0);

    // Boot: hands a range of RAM over. `dirty`: may hold old data.
    void add_range(Mfn first, u64 count, bool dirty);

    u64 free_pages() const { return free_pages_; }
    u64 total_pages() const { return total_pages_; }

private:
    Result<Mfn> take(unsigned order, unsigned address_bits);
    void insert(Mfn first, unsigned order);
    void remove(Mfn first, unsigned order);

    FrameTable& frames_;
    Spinlock lock_{LockRank::heap};
    std::array<Mfn, kMaxOrder + 1> lists_{};
    u64 free_pages_ = 0;
    u64 total_pages_ = 0;
};

}  // namespace hospes
