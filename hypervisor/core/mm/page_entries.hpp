// SPDX-License-Identifier: Apache-2.0
// The rules for single page-table entries: which bits a guest may set, and which references a present entry holds.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/x86/pte.hpp"

namespace hospes {

class Domain;

// Whose frames an entry may map: the table's owner, and at level 1 another domain on the caller's privilege or by a grant.
struct EntryScope {
    Domain& table_owner;
    DomId frame_owner;  // the table owner itself, another domain, or DOMID_IO
};

// Takes the references entry `pte` of a table of `level` needs, and returns the entry as it has to be written: user bit set, cache bits
// fitting the memory. A non-present entry passes unchanged. Errno::invalid: a bit or frame that is not allowed; Errno::perm: MMIO
// without the right; Errno::restart from validating a lower table.
Result<Pte> get_entry(System& system, EntryScope const& scope, unsigned level, Pte pte);

// Drops the references of an entry that has been removed from a table of `level`.
void put_entry(System& system, unsigned level, Pte pte);

// May a present entry of a table of `owner` look like this, as far as its bits and MMIO go?
bool is_allowed_entry(Domain const& owner, unsigned level, Pte entry, bool is_ram);

// May this non-RAM frame be mapped by the hardware domain?
bool is_mappable_mmio(Mfn mfn);
// Boot: forbids a range (local APIC, IO-APICs) to every domain. At most kMaxDeniedRanges.
void deny_mmio(Mfn first, u64 count);
inline constexpr unsigned kMaxDeniedRanges = 16;

// Width of physical addresses (CPUID 80000008), set at boot.
void set_physical_address_bits(unsigned bits);

}  // namespace hospes
