// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/dom0_layout.hpp"

#include "hypervisor/x86/pte.hpp"

namespace hospes {
namespace {

constexpr u64 kPagesPer4MiB = (u64{4} << 20) >> kPageShift;
constexpr u64 kMinimumPadding = (u64{512} << 10) >> kPageShift;  // Linux takes its first pages from there

constexpr u64 div_up(u64 value, u64 by) { return (value + by - 1) / by; }
constexpr u64 round_up(u64 value, u64 to) { return div_up(value, to) * to; }
constexpr u64 pages_of(u64 bytes) { return div_up(bytes, kPageSize); }

}  // namespace

Result<Dom0Layout> lay_out_dom0(KernelImage const& kernel, u64 ramdisk_bytes, u64 pages) {
    Dom0Layout layout;
    layout.pages = pages;
    layout.p2m.count = pages_of(pages * sizeof(u64));
    bool const has_own_p2m_mapping = kernel.init_p2m != 0;

    Pfn next{pages_of(kernel.end)};
    if (!has_own_p2m_mapping) {
        layout.p2m.first = next;
        next = layout.p2m.end();
    }
    layout.start_info = next;
    layout.tables.first = next + 1;
    // The tables map themselves: take as many level-1 tables as the mapping, tables included, needs.
    u64 level1 = 0;
    do {
        ++level1;
        layout.tables.count = 3 + level1;
        layout.stack = layout.tables.end();
        layout.mapped_end = Pfn{round_up(layout.stack.raw() + 1 + kMinimumPadding, kPagesPer4MiB)};
    } while (level1 * kEntriesPerTable < layout.mapped_end.raw());

    layout.ramdisk = {layout.mapped_end, pages_of(ramdisk_bytes)};
    Pfn end = layout.ramdisk.end();
    if (has_own_p2m_mapping) {
        layout.p2m.first = end;
        layout.p2m_l1s = div_up(layout.p2m.count, kEntriesPerTable);
        layout.p2m_l2s = div_up(layout.p2m_l1s, kEntriesPerTable);
        layout.p2m_tables = {layout.p2m.end(), 1 + layout.p2m_l2s + layout.p2m_l1s};
        end = layout.p2m_tables.end();
    }
    if (end.raw() > pages) return Errno::no_memory;
    return layout;
}

}  // namespace hospes
