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
    bool readonly : 1 = false;
    bool host : 1 = false;      // mapped in the mapper's page tables
    bool device : 1 = false;    // its bus address was asked for
    bool leaving : 1 = false;   // an unmap is on its way: nobody else may use the handle
    u32 spare = 0;
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

    // A handle of our own, not yet to be found by its number. Errno::no_space: the limit is reached; Errno::no_memory.
    Result<GrantHandle> reserve();
    // From now on `handle`, reserved, stands for `mapping`.
    void publish(GrantHandle handle, GrantMapping const& mapping);
    // Frees a handle that is reserved or being left.
    void release(GrantHandle handle);

    // Parts to unmap of a handle.
    struct Parts {
        bool host;
        bool device;
    };
    // Takes a handle for unmapping: nobody else can until restore() or release(). Errno::invalid: no such mapping.
    Result<GrantMapping> take(GrantHandle handle);
    // Puts a taken handle back, with what is left of it.
    void restore(GrantHandle handle, Parts left);

    // The first handle in use at or after `from`, taken; Errno::no_entry: none.
    Result<GrantHandle> take_first(GrantHandle from, GrantMapping& mapping);

    u32 handles_in_use() const { return in_use_; }
    void free_tables();

private:
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
