// SPDX-License-Identifier: Apache-2.0
// TLB maintenance. A clock counts flushes, so that nobody flushes twice for the same reason: a frame remembers the clock when its
// last mapping went, and is clean as soon as every pcpu has flushed later than that.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

using PcpuMask = u64;  // bit n: pcpu n

u64 tlb_clock();                             // the clock now: the stamp for a mapping that has just been removed
void tlb_flush_older_than(u64 stamp);        // returns when no pcpu can hold a translation removed at `stamp` or before
void tlb_flush_local();                      // everything, this pcpu
void tlb_flush_page_local(GuestAddress address);
void tlb_flush_mask(PcpuMask pcpus);         // everything, these pcpus; returns when done
void tlb_flush_page_mask(PcpuMask pcpus, GuestAddress address);

}  // namespace hospes
