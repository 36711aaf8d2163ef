// SPDX-License-Identifier: Apache-2.0
// The granter's side of a grant table: its frames, and the pins on its entries.
#include "hypervisor/core/grant/grant_table.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/system.hpp"
#include "hypervisor/ports/frame_window.hpp"

#include <new>

namespace hospes {

namespace {

constexpr u8 kMaxPins = 255;  // readers, and writers, of one entry

// Marks the granter's entry as in use by `user`, if at this moment it lets it. A granter that keeps changing its entry gets an error.
GrantStatus mark_shared(SharedWord<u32> word, DomId user, bool readonly) {
    u32 const marks = GTF_reading | (readonly ? 0 : GTF_writing);
    u32 seen = word.load();
    for (int attempt = 0; attempt < 5; ++attempt) {
        if ((seen & GTF_type_mask) != GTF_permit_access || seen >> 16 != user.raw()) return GrantStatus::general_error;
        if (!readonly && (seen & GTF_readonly) != 0) return GrantStatus::general_error;
        if (word.compare_exchange(seen, seen | marks)) return GrantStatus::okay;
    }
    return GrantStatus::general_error;
}

}  // namespace

// Both: `ref` is below frame_count_ * kGrantsPerFrame.
SharedGrant& GrantTable::shared_entry(GrantRef ref) const {
    u32 const number = masked_index(ref.raw(), frame_count_ * kGrantsPerFrame);
    return shared_[number / kGrantsPerFrame][number % kGrantsPerFrame];
}
ActiveEntry& GrantTable::active_entry(GrantRef ref) const {
    u32 const number = masked_index(ref.raw(), frame_count_ * kGrantsPerFrame);
    return active_[number / kGrantsPerFrame][number % kGrantsPerFrame];
}

Status GrantTable::set_limits(u32 max_frames, u32 max_maptrack_frames) {
    if (max_frames > kMaxGrantFrames || max_maptrack_frames > kMaxMaptrackFrames) return Errno::invalid;
    max_frames_ = max_frames;
    maptrack_.limit_frames(max_maptrack_frames);
    return {};
}

u32 GrantTable::frame_count() {
    LockGuard const guard{lock_};
    return frame_count_;
}

Status GrantTable::grow(u32 count) {
    LockGuard const guard{lock_};
    return grow_locked(count);
}

Status GrantTable::grow_locked(u32 count) {
    static_assert(kPageSize / sizeof(ActiveEntry) == kGrantsPerFrame);
    if (count > max_frames_) return Errno::invalid;
    while (frame_count_ < count) HV_TRY(add_frame_locked());
    return {};
}

Status GrantTable::add_frame_locked() {
    if (domain_.life != LifeState::alive) return Errno::invalid;  // its frames may have been given back already
    Heap& heap = domain_.system().heap;
    Mfn const shared = HV_TRY(heap.alloc());
    Result<Mfn> const active = heap.alloc();
    if (!active.ok()) {
        heap.free(shared);
        return active.error();
    }
    share_core_frame(domain_, shared);
    shared_[frame_count_] = frame_pointer<SharedGrant>(shared);
    active_[frame_count_] = frame_pointer<ActiveEntry>(active.value());
    for (u32 i = 0; i < kGrantsPerFrame; ++i) ::new (static_cast<void*>(&active_[frame_count_][i])) ActiveEntry;
    ++frame_count_;
    return {};
}

Result<Mfn> GrantTable::shared_frame(u32 index) {
    LockGuard const guard{lock_};
    if (index >= max_frames_) return Errno::invalid;
    HV_TRY(grow_locked(index + 1));
    return frame_of_pointer(shared_[masked_index(index, kMaxGrantFrames)]);
}

PinnedFrame GrantTable::pin(GrantRef ref, DomId user, bool readonly) {
    LockGuard const guard{lock_};
    return pin_locked(ref, user, readonly);
}

PinnedFrame GrantTable::pin_locked(GrantRef ref, DomId user, bool readonly) {
    if (domain_.life != LifeState::alive) return {GrantStatus::bad_domain};
    if (ref.raw() >= frame_count_ * kGrantsPerFrame) return {GrantStatus::bad_gref};
    ActiveEntry& active = active_entry(ref);
    SharedGrant& shared = shared_entry(ref);
    bool const is_pinned = active.readers + active.writers != 0;
    if (is_pinned && active.domain != user.raw()) return {GrantStatus::general_error};
    u8& count = readonly ? active.readers : active.writers;
    if (count == kMaxPins) return {GrantStatus::no_space};

    // An entry already marked stays so: what the granter writes meanwhile changes nothing for who has it pinned.
    bool const is_marked = is_pinned && (readonly || active.writers != 0);
    if (!is_marked) {
        GrantStatus const status = mark_shared(SharedWord<u32>{shared.flags_and_domain}, user, readonly);
        if (status != GrantStatus::okay) return {status};
    }
    if (!is_pinned) {
        active.frame = SharedWord<u32>{shared.frame}.load();
        active.domain = user.raw();
    }
    ++count;
    ++pins_;
    return {GrantStatus::okay, Mfn{active.frame}};
}

void GrantTable::unpin(GrantRef ref, bool readonly) {
    LockGuard const guard{lock_};
    ActiveEntry& active = active_entry(ref);
    u8& count = readonly ? active.readers : active.writers;
    HV_ASSERT(count != 0 && pins_ != 0);
    --count;
    --pins_;
    u32 over = 0;
    if (active.writers == 0) over |= GTF_writing;
    if (active.writers == 0 && active.readers == 0) over |= GTF_reading;
    bool const ends_something = (over & GTF_reading) != 0 || (!readonly && over != 0);
    if (ends_something) SharedWord<u32>{shared_entry(ref).flags_and_domain}.fetch_and(~over);
    if (pins_ == 0) last_pin_left_domain(domain_);
}

u32 GrantTable::pins() {
    LockGuard const guard{lock_};
    return pins_;
}

void GrantTable::free_tables() {
    HV_ASSERT(pins_ == 0);
    Heap& heap = domain_.system().heap;
    for (u32 i = 0; i < frame_count_; ++i) {
        unshare_core_frame(domain_, frame_of_pointer(shared_[i]));
        heap.free(frame_of_pointer(active_[i]));
    }
    frame_count_ = 0;
    maptrack_.free_tables();
}

void GrantTable::check() {
    u32 counted = 0;
    for_each_pinned([&](GrantRef, ActiveEntry const& entry) { counted += u32{entry.readers} + entry.writers; });
    HV_ASSERT(counted == pins());
}

}  // namespace hospes
