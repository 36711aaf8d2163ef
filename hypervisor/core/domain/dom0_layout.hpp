// SPDX-License-Identifier: Apache-2.0
// Where everything lies in dom0 at its start, in pfns (linux-pv-abi: kernel, start_info, page tables, stack, ramdisk, p2m).
#pragma once

#include "hypervisor/core/domain/kernel_image.hpp"

namespace hospes {

struct PfnRange {
    Pfn first;
    u64 count = 0;
    Pfn end() const { return first + count; }
    bool contains(Pfn pfn) const { return pfn >= first && pfn < end(); }
};

struct Dom0Layout {
    u64 pages = 0;          // of the domain
    Pfn start_info;
    PfnRange tables;        // initial page tables of the kernel mapping: L4, L3, L2, then L1s
    Pfn stack;
    Pfn mapped_end;         // pfns below are mapped at virt_base
    PfnRange ramdisk;
    PfnRange p2m;           // the list
    PfnRange p2m_tables;    // of its own mapping at init_p2m: L3, L2s, L1s
    u64 p2m_l1s = 0, p2m_l2s = 0;
};

// Errno::no_memory: `pages` are too few for kernel, ramdisk and tables.
Result<Dom0Layout> lay_out_dom0(KernelImage const& kernel, u64 ramdisk_bytes, u64 pages);

}  // namespace hospes
