// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/grant/maptrack.hpp"

#include "hypervisor/base/masked_index.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/system.hpp"
#include "hypervisor/ports/frame_window.hpp"

#include <new>

namespace hospes {

namespace {
constexpr u32 kNoHandle = ~u32{0};
}  // namespace

static_assert(kMaxMaptrackFrames * sizeof(GrantMapping*) == kPageSize);

// `handle` is below frames_ * kHandlesPerFrame.
GrantMapping& Maptrack::at(u32 handle) const {
    u32 const number = masked_index(handle, frames_ * kHandlesPerFrame);
    return directory_[number / kHandlesPerFrame][number % kHandlesPerFrame];
}

GrantMapping* Maptrack::find(GrantHandle handle) const {
    if (handle.raw() >= frames_ * kHandlesPerFrame) return nullptr;
    GrantMapping& mapping = at(handle.raw());
    return mapping.in_use && !mapping.leaving ? &mapping : nullptr;
}

Status Maptrack::grow() {
    if (frames_ >= max_frames_) return Errno::no_space;
    Heap& heap = domain_.system().heap;
    if (directory_ == nullptr) directory_ = frame_pointer<GrantMapping*>(HV_TRY(heap.alloc()));
    auto* const mappings = frame_pointer<GrantMapping>(HV_TRY(heap.alloc()));
    u32 const first = frames_ * kHandlesPerFrame;
    for (u32 i = 0; i < kHandlesPerFrame; ++i) {
        auto* const mapping = ::new (static_cast<void*>(&mappings[i])) GrantMapping;
        mapping->ref = i + 1 < kHandlesPerFrame ? first + i + 1 : first_free_;
    }
    directory_[frames_++] = mappings;
    first_free_ = first;
    return {};
}

Status Maptrack::make_room(u32 frames) {
    LockGuard const guard{lock_};
    while (frames_ < frames) HV_TRY(grow());
    return {};
}

Result<GrantHandle> Maptrack::reserve() {
    LockGuard const guard{lock_};
    if (first_free_ == kNoHandle) HV_TRY(grow());
    GrantHandle const handle{first_free_};
    first_free_ = at(handle.raw()).ref;
    return handle;
}

void Maptrack::publish(GrantHandle handle, GrantMapping const& mapping) {
    LockGuard const guard{lock_};
    at(handle.raw()) = mapping;
    at(handle.raw()).in_use = true;
    ++in_use_;
}

void Maptrack::release(GrantHandle handle) {
    LockGuard const guard{lock_};
    GrantMapping& mapping = at(handle.raw());
    if (mapping.in_use) --in_use_;
    mapping = GrantMapping{};
    mapping.ref = first_free_;
    first_free_ = handle.raw();
}

Result<GrantMapping> Maptrack::take(GrantHandle handle) {
    LockGuard const guard{lock_};
    GrantMapping* const mapping = find(handle);
    if (mapping == nullptr) return Errno::invalid;
    mapping->leaving = true;
    return GrantMapping{*mapping};
}

void Maptrack::restore(GrantHandle handle, GrantMapping const& left) {
    LockGuard const guard{lock_};
    at(handle.raw()) = left;
    at(handle.raw()).leaving = false;
}

Result<GrantHandle> Maptrack::first_from(GrantHandle from) {
    LockGuard const guard{lock_};
    for (u32 handle = from.raw(); handle < frames_ * kHandlesPerFrame; ++handle)
        if (find(GrantHandle{handle}) != nullptr) return GrantHandle{handle};
    return Errno::no_entry;
}

void Maptrack::free_tables() {
    HV_ASSERT(in_use_ == 0);
    Heap& heap = domain_.system().heap;
    for (u32 i = 0; i < frames_; ++i) heap.free(frame_of_pointer(directory_[i]));
    if (directory_ != nullptr) heap.free(frame_of_pointer(directory_));
    directory_ = nullptr;
    frames_ = 0;
    first_free_ = kNoHandle;
}

}  // namespace hospes
