// SPDX-License-Identifier: Apache-2.0
// Grants of one domain, both ways: the entries by which it lets others use its frames (granter), and the handles of what it has
// mapped of others (mapper). Version 1 entries only.
//
// Invariants (checked by GrantTable::check and by the tests):
//  G1  The pins of an entry are the live handles on it plus the copies in flight.
//  G2  GTF_reading is set in the shared entry while it has a pin, GTF_writing while it has a writing pin, unless the granter itself wrote
//      over them.
//  G3  A handle holds one general reference on its frame, and one writable type reference unless it is read-only. So a granter's frames,
//      and by them the granter, outlive every handle.
//  G4  Where and for whom a pinned entry leads is what was read at its first pin, whatever the granter writes later.
#pragma once

#include "hypervisor/abi/xen.hpp"
#include "hypervisor/base/result.hpp"
#include "hypervisor/base/spinlock.hpp"
#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/grant/maptrack.hpp"
#include "hypervisor/ports/frame_window.hpp"

#include <array>

namespace hospes {

class Domain;

inline constexpr u32 kMaxGrantFrames = 64;

// What becomes of one operation of a batch (GNTST_* of xen/grant_table.h).
enum class GrantStatus : i16 {
    okay = GNTST_okay,
    general_error = GNTST_general_error,
    bad_domain = GNTST_bad_domain,
    bad_gref = GNTST_bad_gntref,
    bad_handle = GNTST_bad_handle,
    bad_virtual_address = GNTST_bad_virt_addr,
    bad_device_address = GNTST_bad_dev_addr,
    no_device_space = GNTST_no_device_space,
    permission_denied = GNTST_permission_denied,
    bad_page = GNTST_bad_page,
    bad_copy_argument = GNTST_bad_copy_arg,
    address_too_big = GNTST_address_too_big,
    again = GNTST_eagain,
    no_space = GNTST_no_space,
};

// A version 1 entry in the shared frame. The granter may change it at any moment: flags (low half) and domain (high half) are one word for
// us, so that they are checked and marked together.
struct SharedGrant {
    u32 flags_and_domain;
    u32 frame;
};
static_assert(sizeof(SharedGrant) == sizeof(grant_entry_v1_t));

// Our side of a grant entry: who uses it how often, and where it leads.
struct ActiveEntry {
    u32 frame = 0;
    u16 domain = 0;  // who holds the pins
    u8 readers = 0;
    u8 writers = 0;
};
static_assert(sizeof(ActiveEntry) == 8);

inline constexpr u32 kGrantsPerFrame = kPageSize / sizeof(SharedGrant);

// What a pin gives: the granter's frame, not yet referenced.
struct PinnedFrame {
    GrantStatus status;
    Mfn frame{};  // none without okay
};

class GrantTable {
public:
    explicit GrantTable(Domain& domain) : domain_{domain} {}
    GrantTable(GrantTable const&) = delete;
    GrantTable& operator=(GrantTable const&) = delete;

    // Bounds from xen_domctl_createdomain (max_grant_frames, max_maptrack_frames); Errno::invalid above kMaxGrantFrames, kMaxMaptrackFrames.
    Status set_limits(u32 max_frames, u32 max_maptrack_frames);

    u32 frame_count();
    u32 max_frames() const { return max_frames_; }
    // Grows to at least `count` frames. Errno::invalid: above the limit, or the domain is dying; Errno::no_memory.
    Status grow(u32 count);
    // The shared frame `index`, grown on demand (XENMEM_acquire_resource, GNTTABOP_setup_table).
    Result<Mfn> shared_frame(u32 index);

    // Granter side. Pins entry `ref` for `user`, by the word of the granter's entry at this moment.
    PinnedFrame pin(GrantRef ref, DomId user, bool readonly);
    void unpin(GrantRef ref, bool readonly);
    // Grant handles that lead here now; 0 when the domain may go.
    u32 pins();

    // Mapper side: what this domain has mapped.
    Maptrack& maptrack() { return maptrack_; }
    // Drops every handle (destruction of the mapper, whose vcpus run no more). Errno::restart: call again to go on.
    Status release_mappings();  // core/grant/unmap.cpp
    // Calls `visit(GrantRef, ActiveEntry const&)` for each entry that is pinned, `visit(Mfn)` for each shared frame.
    template <typename Visit>
    void for_each_pinned(Visit visit) {
        LockGuard const guard{lock_};
        for (u32 ref = 0; ref < frame_count_ * kGrantsPerFrame; ++ref) {
            ActiveEntry const& entry = active_entry(GrantRef{ref});
            if (entry.readers + entry.writers != 0) visit(GrantRef{ref}, entry);
        }
    }
    template <typename Visit>
    void for_each_frame(Visit visit) {
        LockGuard const guard{lock_};
        for (u32 i = 0; i < frame_count_; ++i) visit(frame_of_pointer(shared_[i]));
    }

    // Gives all frames and tables back. Both sides are unused: no handle of ours, no pin of others.
    void free_tables();

    // Panics when an invariant above is broken (tests).
    void check();

private:
    SharedGrant& shared_entry(GrantRef ref) const;
    ActiveEntry& active_entry(GrantRef ref) const;
    Status grow_locked(u32 count);
    Status add_frame_locked();
    PinnedFrame pin_locked(GrantRef ref, DomId user, bool readonly);

    Domain& domain_;
    Spinlock lock_{LockRank::grant};
    u32 max_frames_ = kMaxGrantFrames;
    u32 frame_count_ = 0;
    u32 pins_ = 0;
    std::array<SharedGrant*, kMaxGrantFrames> shared_{};  // one frame each, shared with the domain
    std::array<ActiveEntry*, kMaxGrantFrames> active_{};       // one heap frame each
    Maptrack maptrack_{domain_};
    GrantHandle next_to_release_{};
};

}  // namespace hospes
