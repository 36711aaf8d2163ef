// SPDX-License-Identifier: Apache-2.0
// Entries of validated page tables: finding them and changing them. Every change of a guest's page table goes through update_entry.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/core/mm/page_entries.hpp"

namespace hospes {

class Vcpu;
struct FrameEntry;

// One entry of one table.
struct EntryPlace {
    Mfn table;
    unsigned index;
};

// The level-1 entry that maps `address` under `root` (a validated L4 table that the caller keeps referenced).
// Errno::invalid: no such entry, or the address is the core's.
Result<EntryPlace> find_level1_entry(GuestAddress address, Mfn root);

// The frame that `address` maps to under `root`, with the entry's flags. Errno::fault when it is not mapped.
Result<Pte> find_mapping(GuestAddress address, Mfn root);

struct EntryUpdate {
    DomId frame_owner;          // whose frames the new entry may map
    bool preserve_ad = false;   // keep the accessed and dirty bits the processor has set meanwhile
    bool check_old = false;     // only if the entry still reads `expected_old` (Errno::again otherwise)
    u64 expected_old = 0;
};

// Replaces an entry of a table of `domain` (any level; the table must be validated). Takes the new references before the old ones are
// dropped; nothing changes on an error. Errno::invalid / perm: not allowed; Errno::restart: run it again.
Status update_entry(Domain& domain, EntryPlace place, Pte entry, EntryUpdate const& update);
// The same for one who has looked the table's frame up (FrameTable::find).
Status update_entry(Domain& domain, FrameEntry& table, EntryPlace place, Pte entry, EntryUpdate const& update);

// A direct write by the guest kernel to a level-1 table it sees read-only (writable-page-table emulation): the aligned 8-byte entry at
// `entry_va` read as `old_entry` and shall become `new_entry`. Errno::again: it changed meanwhile, execute again;
// other errors: not a level-1 table of the guest, or not allowed - the guest gets its page fault.
Status emulate_pt_write(Vcpu& vcpu, GuestAddress entry_va, u64 old_entry, u64 new_entry);

}  // namespace hospes
