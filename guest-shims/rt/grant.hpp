// SPDX-License-Identifier: Apache-2.0
// The domain's own grant table, version 1.
#pragma once
#include "abi.hpp"

namespace hospes::guest {

constexpr u32 kReservedGrants = GNTTAB_NR_RESERVED_ENTRIES;
constexpr u32 kGrantsPerFrame = 512;

/// Has the table set up with one frame and maps it; returns the hypercall's result or status, 0 when it is usable.
/// Later calls do nothing.
long grants_init();

/// An entry of the shared table. Plain access: the hypervisor sets and clears its reading and writing flags.
volatile grant_entry_v1_t &grant_entry(GrantRef ref);
/// Lets `domain` map or copy `frame` through `ref`.
void grant_access(GrantRef ref, u16 domain, Mfn frame, bool read_only);
/// Takes access back; false while the other side still uses the frame.
bool end_access(GrantRef ref);

/// Maps a grant of `domain` at a virtual address of ours that has a level-1 entry. Returns the GNTST_ status;
/// `handle` is set on success.
i32 map_grant(u16 domain, GrantRef ref, u64 va, u32 flags, u32 &handle);
i32 unmap_grant(u32 handle, u64 va);

}  // namespace hospes::guest
