// SPDX-License-Identifier: Apache-2.0
// Which frames a domain owns, and how many it may.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

// Gives 2^order frames from the heap to `domain`: one general reference each, the domain's own. Errno::no_memory: no free memory,
// or above max_pages; Errno::invalid: the domain is dying.
Result<Mfn> populate_frames(Domain& domain, unsigned order, unsigned address_bits);

// Makes frames that the caller took from the heap the domain's (the tail of populate_frames). The caller has checked max_pages.
void assign_frames(Domain& domain, Mfn first, u64 count);

// Takes the domain's own reference away from a frame; it is freed when the last other reference goes. Errno::invalid: not a frame
// the domain still holds.
Status release_frame(Domain& domain, Mfn mfn);

// A frame of the core that the domain may map and write (shared info, grant frames). Never a page table: its type stays writable.
void share_core_frame(Domain& domain, Mfn mfn);
// Ends it. The frame is freed when the domain's last mapping goes.
void unshare_core_frame(Domain& domain, Mfn mfn);

// Gives up all frames of a dying domain: pins, half-done tables, own references. Errno::restart: call again to go on.
Status relinquish_memory(Domain& domain);

}  // namespace hospes
