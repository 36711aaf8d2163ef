// SPDX-License-Identifier: Apache-2.0
// Where everything lies in a new paravirtualized domain's memory: pure arithmetic on frame numbers.
//
// Mapped from VIRT_BASE on, in this order: kernel, (ramdisk, unless it may stay unmapped), (p2m list, unless the kernel
// names a place for it), start_info, store ring, console ring, page tables [L4][L3][L2][L1...], boot stack, padding.
// Behind that, not mapped there: ramdisk, p2m list with its own page tables. Source: libxenguest's order; Linux relies
// on the page tables' order and on the padding (at least 512 KiB, end at a multiple of 4 MiB).
#pragma once

#include "dom0-tools/base/result.hpp"
#include "dom0-tools/control/kernel_image.hpp"
#include "hypervisor/base/strong.hpp"

#include <cstdint>

namespace hospes::control {

/// `count` frames from `first` on.
struct FrameRange {
    Pfn first{0};
    std::uint64_t count = 0;
    Pfn end() const { return first + count; }
    bool contains(Pfn pfn) const { return pfn >= first && pfn < end(); }
};

/// Page tables that map one range of addresses, each level one after the other.
struct TableCounts {
    std::uint64_t l3 = 0;
    std::uint64_t l2 = 0;
    std::uint64_t l1 = 0;
    std::uint64_t total() const { return l3 + l2 + l1; }
};

struct PvLayout {
    std::uint64_t pages = 0;      ///< of the whole domain
    std::uint64_t virt_base = 0;  ///< vaddr of pfn 0
    FrameRange kernel;
    FrameRange ramdisk;           ///< empty without one
    bool ramdisk_is_mapped = false;
    Pfn start_info{0};
    Pfn store_ring{0};
    Pfn console_ring{0};
    FrameRange tables;            ///< the boot mapping's page tables, the L4 first
    TableCounts table_counts;     ///< below the L4
    Pfn boot_stack{0};
    std::uint64_t mapped_pages = 0;   ///< pfn 0 to here are mapped from virt_base on
    std::uint64_t p2m_vaddr = 0;
    FrameRange p2m;               ///< the list, and then its own page tables, L1 first
    std::uint64_t p2m_list_pages = 0;
    TableCounts p2m_tables;       ///< none when the list lies in the boot mapping

    std::uint64_t vaddr_of(Pfn pfn) const { return virt_base + pfn.raw() * kPageSize; }
};

/// Plans the memory of a domain of `memory_bytes` with this kernel and a ramdisk of `ramdisk_bytes` (0: none).
/// ENOMEM says how much memory the domain would need; EINVAL that the kernel's addresses make no sense.
Result<PvLayout> plan_layout(KernelImage const& kernel, std::uint64_t memory_bytes, std::uint64_t ramdisk_bytes);

}  // namespace hospes::control
