// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/heap.hpp"

#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/tlb.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hospes {

Result<Mfn> Heap::alloc(unsigned order, unsigned address_bits) {
    Mfn const first = HV_TRY(take(order, address_bits));
    std::memset(frame_pointer(first), 0, kPageSize << order);
    return first;
}

Result<Mfn> Heap::alloc_uncleared(unsigned order) { return take(order, 0); }

Result<Mfn> Heap::take(unsigned order, unsigned address_bits) {
    if (order > kMaxOrder) return Errno::no_memory;
    LockGuard guard{lock_};
    unsigned found_order = 0;
    Mfn const first = find(order, address_bits, found_order);
    if (!first.is_valid()) return Errno::no_memory;

    remove(first, found_order);
    while (found_order > order) {  // keep the lower half, so that an address limit keeps holding
        --found_order;
        insert(first + (u64{1} << found_order), found_order);
    }
    u64 const count = u64{1} << order;
    free_pages_ -= count;
    u64 word = RefWord::Ram::set(0, 1);
    word = RefWord::Owner::set(word, kDomIdXen.raw());
    word = RefWord::Count::set(word, 1);
    for (u64 i = 0; i < count; ++i) {
        frames_[first + i].refs.store(word, std::memory_order_relaxed);
        frames_[first + i].type.store(0, std::memory_order_relaxed);
    }
    tlb_flush_older_than(last_free_stamp_);
    return first;
}

// The head of a free block of at least `order` whose first 2^order frames lie below the address limit.
Mfn Heap::find(unsigned order, unsigned address_bits, unsigned& found_order) {
    u64 const limit = address_bits == 0 || address_bits >= 52 ? ~u64{0} : u64{1} << (address_bits - std::min(address_bits, kPageShift));
    for (found_order = order; found_order <= kMaxOrder; ++found_order) {
        for (u64 at = lists_[found_order]; at != kNone;) {
            if (at + (u64{1} << order) <= limit) return Mfn{at};
            at = TypeWord::Next::get(frames_[Mfn{at}].type.load(std::memory_order_relaxed));
        }
    }
    return Mfn{};
}

void Heap::free(Mfn first, unsigned order) {
    LockGuard guard{lock_};
    last_free_stamp_ = tlb_clock();
    release(first, order);
    free_pages_ += u64{1} << order;
}

void Heap::add_range(Mfn first, u64 count) {
    LockGuard guard{lock_};
    total_pages_ += count;
    free_pages_ += count;
    while (count > 0) {
        auto const alignment = static_cast<unsigned>(first.raw() == 0 ? kMaxOrder : std::countr_zero(first.raw()));
        auto const fits = static_cast<unsigned>(std::bit_width(count) - 1);
        unsigned const order = std::min({alignment, fits, kMaxOrder});
        for (u64 i = 0; i < u64{1} << order; ++i) frames_[first + i].refs.store(RefWord::Ram::kMask, std::memory_order_relaxed);
        release(first, order);
        first = first + (u64{1} << order);
        count -= u64{1} << order;
    }
}

// Merges with free buddies and puts the result on its list.
void Heap::release(Mfn first, unsigned order) {
    for (u64 i = 0; i < u64{1} << order; ++i) {
        u64 word = RefWord::Owner::set(RefWord::Ram::kMask, kDomIdInvalid.raw());
        frames_[first + i].refs.store(word, std::memory_order_relaxed);
    }
    while (order < kMaxOrder) {
        Mfn const buddy{first.raw() ^ (u64{1} << order)};
        if (!is_free_block(buddy, order)) break;
        remove(buddy, order);
        first = std::min(first, buddy);
        ++order;
    }
    insert(first, order);
}

bool Heap::is_free_block(Mfn first, unsigned order) const {
    if (!frames_.has_entry(first)) return false;
    u64 const word = frames_[first].refs.load(std::memory_order_relaxed);
    return RefWord::FreeHead::get(word) != 0 && RefWord::Order::get(word) == order;
}

void Heap::insert(Mfn first, unsigned order) {
    u64 word = RefWord::Owner::set(RefWord::Ram::kMask | RefWord::FreeHead::kMask, kDomIdInvalid.raw());
    word = RefWord::Order::set(word, order);
    frames_[first].refs.store(word, std::memory_order_relaxed);
    u64 const next = lists_[order];
    frames_[first].type.store(TypeWord::Prev::set(next, kNone), std::memory_order_relaxed);
    if (next != kNone) {
        auto& links = frames_[Mfn{next}].type;
        links.store(TypeWord::Prev::set(links.load(std::memory_order_relaxed), first.raw()), std::memory_order_relaxed);
    }
    lists_[order] = first.raw();
}

void Heap::remove(Mfn first, unsigned order) {
    u64 const links = frames_[first].type.load(std::memory_order_relaxed);
    u64 const next = TypeWord::Next::get(links);
    u64 const prev = TypeWord::Prev::get(links);
    if (prev == kNone) {
        lists_[order] = next;
    } else {
        auto& word = frames_[Mfn{prev}].type;
        word.store(TypeWord::Next::set(word.load(std::memory_order_relaxed), next), std::memory_order_relaxed);
    }
    if (next != kNone) {
        auto& word = frames_[Mfn{next}].type;
        word.store(TypeWord::Prev::set(word.load(std::memory_order_relaxed), prev), std::memory_order_relaxed);
    }
    frames_[first].refs.store(RefWord::Owner::set(RefWord::Ram::kMask, kDomIdInvalid.raw()), std::memory_order_relaxed);
}

}  // namespace hospes
