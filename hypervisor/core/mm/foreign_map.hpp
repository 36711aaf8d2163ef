// SPDX-License-Identifier: Apache-2.0
// Single page-table entries that map another domain's frame, for grants. The entry holds references of its own, like any entry, besides
// those the grant holds; a guest that overwrites it drops just those.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

class Vcpu;

// Where a grant is mapped: the machine address of a level-1 entry (GNTMAP_contains_pte), or a virtual address in the caller's kernel root.
struct GrantPlace {
    bool is_entry_address;
    u64 address;
};

// Maps `frame`, owned by `owner`, at `place`. `entry_flags`: PTE bits besides P|A|D|US, i.e. RW and available bits.
// What the entry mapped before is dropped. Errno::invalid: no such level-1 entry of the caller.
Status map_foreign_at(Vcpu& caller, GrantPlace place, Mfn frame, DomId owner, u64 entry_flags);

// Clears the entry at `place` if it maps `frame`, and for writing unless `readonly` (Errno::invalid if not), and drops its references. So no
// more entries map a granted frame for writing than there are grants in use that allow it. The caller flushes TLBs afterwards
// (tlb_flush_older_than(tlb_clock())) before it drops the grant's own references.
Status unmap_foreign_at(Vcpu& caller, GrantPlace place, Mfn frame, bool readonly);

}  // namespace hospes
