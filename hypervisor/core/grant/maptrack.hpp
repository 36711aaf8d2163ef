// SPDX-License-Identifier: Apache-2.0
// The handles of one domain: each tells which grant of which domain it has mapped.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/spinlock.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

class Domain;

// What a handle stands for.
struct GrantMapping {
    u32 frame = 0;    // the granter's
    u32 ref = 0;      // while free: the next free handle
    u16 granter = 0;
    bool in_use = false;
    bool leaving = false;   // an unmap is on its way: nobody else may use the handle
    bool readonly = false;
    bool host = false;      // mapped in the mapper's page tables
    bool device = false;    // its bus address was asked for
    bool by_entry = false;  // GNTMAP_contains_pte: unmapping names the entry, not a virtual address
};
static_assert(sizeof(GrantMapping) == 16);

inline constexpr u32 kMaxMaptrackFrames = 512;  // what one directory page can name
inline constexpr u32 kHandlesPerFrame = kPageSize / sizeof(GrantMapping);

class Maptrack {
public:
    explicit Maptrack(Domain& domain) : domain_{domain} {}
    Maptrack(Maptrack const&) = delete;
    Maptrack& operator=(Maptrack const&) = delete;

    void limit_frames(u32 frames) { max_frames_ = frames; }

    // Takes now what so many frames of handles need. Errno::no_memory; Errno::no_space: above the limit.
    Status make_room(u32 frames);

    // A handle of our own, not yet to be found by its number. Errno::no_space: the limit is reached; Errno::no_memory.
    Result<GrantHandle> reserve();
    // From now on `handle`, reserved, stands for `mapping`.
    void publish(GrantHandle handle, GrantMapping const& mapping);
    // Frees a handle that is reserved or being left.
    void release(GrantHandle handle);

    // Takes a handle for unmapping: nobody else can until restore() or release(). Errno::invalid: no such mapping.
    Result<GrantMapping> take(GrantHandle handle);
    // Puts a taken handle back, with what is left of its mapping.
    void restore(GrantHandle handle, GrantMapping const& left);

    // The first handle at or after `from` that stands for a mapping. Errno::no_entry: none.
    Result<GrantHandle> first_from(GrantHandle from);

    // Calls `visit(GrantMapping const&)` for each handle that stands for a mapping.
    template <typename Visit>
    void for_each(Visit visit) {
        LockGuard const guard{lock_};
        for (u32 handle = 0; handle < frames_ * kHandlesPerFrame; ++handle) {
            if (at(handle).in_use) visit(at(handle));
        }
    }
    // Does a handle stand for a mapping of `frame` in page tables?
    bool maps_frame(Mfn frame) {
        bool found = false;
        for_each([&](GrantMapping const& mapping) { found = found || (mapping.host && mapping.frame == frame.raw()); });
        return found;
    }

    u32 handles_in_use() const { return in_use_; }
    void free_tables();

private:
    GrantMapping& at(u32 handle) const;
    GrantMapping* find(GrantHandle handle) const;
    Status grow();

    Domain& domain_;
    Spinlock lock_{LockRank::grant};
    GrantMapping** directory_ = nullptr;  // one heap page of pointers to heap pages
    u32 frames_ = 0;
    u32 max_frames_ = kMaxMaptrackFrames;
    u32 first_free_ = ~u32{0};
    u32 in_use_ = 0;
};

}  // namespace hospes
