// SPDX-License-Identifier: Apache-2.0
// One 16-byte entry a machine frame: who owns it, how often it is referenced, and what it is used as.
#pragma once

#include "hypervisor/base/assert.hpp"
#include "hypervisor/base/masked_index.hpp"
#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/mm/page_type.hpp"

#include <atomic>

namespace hospes {

// A run of bits in a 64-bit word.
template <unsigned kShift, unsigned kWidth>
struct BitField {
    static constexpr u64 kMax = (u64{1} << kWidth) - 1;
    static constexpr u64 kMask = kMax << kShift;
    static constexpr u64 get(u64 word) { return (word >> kShift) & kMax; }
    static constexpr u64 set(u64 word, u64 value) { return (word & ~kMask) | ((value << kShift) & kMask); }
};

// First word of an entry: references and owner. One compare-exchange checks the owner and takes a reference.
struct RefWord {
    using Count = BitField<0, 32>;
    using Owner = BitField<32, 16>;
    using Allocated = BitField<48, 1>;   // the domain's own reference, held from populate to release
    using CorePage = BitField<49, 1>;    // memory of the core shared with the owner: not part of its total_pages
    using Ram = BitField<50, 1>;         // usable memory; all else may only be mapped as MMIO
    using FreeHead = BitField<51, 1>;    // first frame of a free block
    using Order = BitField<52, 5>;       // of a free block
};

// Second word: the type. In a free block's head it holds the list links instead.
struct TypeWord {
    using Count = BitField<0, 32>;      // type references; while `Unsettled`: link to the next unsettled frame
    using Stamp = BitField<32, 16>;     // low bits of the TLB clock when the count last fell to zero
    using Progress = BitField<48, 10>;  // entries of a half-done table that hold references (0 to 512)
    using Pinned = BitField<58, 1>;
    using Busy = BitField<59, 1>;       // being validated or updated by one pcpu
    using Unsettled = BitField<60, 1>;  // half-done by devalidation, on its owner's list
    using Type = BitField<61, 3>;

    using Next = BitField<0, 32>;  // free blocks
    using Prev = BitField<32, 32>;
};

struct FrameEntry {
    std::atomic<u64> refs;
    std::atomic<u64> type;

    bool is_ram() const { return RefWord::Ram::get(refs.load(std::memory_order_relaxed)) != 0; }
    DomId owner() const { return DomId{static_cast<u16>(RefWord::Owner::get(refs.load(std::memory_order_relaxed)))}; }
};
static_assert(sizeof(FrameEntry) == 16);

class FrameTable {
public:
    // `entries[mfn]` exists for every frame below `limit` whose bit (one a block of kFramesPerBlock) is set in `populated`.
    void init(FrameEntry* entries, u8 const* populated, u64 limit) {
        entries_ = entries;
        populated_ = populated;
        limit_ = limit;
    }

    static constexpr u64 kFramesPerBlock = kPageSize / sizeof(FrameEntry);

    // The entry of a frame, or null where there is none.
    FrameEntry* find(Mfn mfn) const {
        if (mfn.raw() >= limit_) return nullptr;
        u64 const number = masked_index(mfn.raw(), limit_);
        u64 const block = number / kFramesPerBlock;
        return (populated_[block / 8] >> (block % 8) & 1) != 0 ? &entries_[number] : nullptr;
    }
    bool has_entry(Mfn mfn) const { return find(mfn) != nullptr; }
    bool is_ram(Mfn mfn) const {
        FrameEntry const* const entry = find(mfn);
        return entry != nullptr && entry->is_ram();
    }
    // The entry of a frame that has one.
    FrameEntry& operator[](Mfn mfn) { return entries_[masked_index(mfn.raw(), limit_)]; }
    FrameEntry const& operator[](Mfn mfn) const { return entries_[masked_index(mfn.raw(), limit_)]; }
    u64 limit() const { return limit_; }

    DomId owner(Mfn mfn) const { return (*this)[mfn].owner(); }

private:
    FrameEntry* entries_ = nullptr;
    u8 const* populated_ = nullptr;
    u64 limit_ = 0;
};

}  // namespace hospes
