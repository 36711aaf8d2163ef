// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/pv_page_tables.hpp"

#include <cstring>

namespace hospes::control {
namespace {

constexpr unsigned kEntries = 512;
constexpr std::uint64_t kReadOnly = kPtePresent | kPteUser | kPteAccessed;
constexpr std::uint64_t kReadWrite = kReadOnly | kPteWritable | kPteDirty;
constexpr unsigned kL1Shift = 12;
constexpr unsigned kLevelBits = 9;

void set_entry(std::span<std::byte> table, std::uint64_t index, Mfn mfn, std::uint64_t flags) {
    auto const entry = mfn.raw() << kPageShift | flags;
    std::memcpy(table.data() + index * sizeof(entry), &entry, sizeof(entry));
}

// The tables of one level lie one after the other, from `first` on; `pages` are their contents.
struct Level {
    Pfn first;
    std::span<std::byte> pages;
};

// Fills one level's tables with entries for the tables (or frames) of the level below, which begin at pfn `below` and map
// the addresses from `vaddr` on. `shift`: of the address bits that index this level.
void fill_level(Level level, unsigned shift, std::uint64_t vaddr, Pfn below, std::uint64_t count, MfnOf const& mfn_of) {
    auto const start = (vaddr >> shift) % kEntries;  // the first table begins before vaddr
    for (std::uint64_t i = 0; i < count; ++i) set_entry(level.pages, start + i, mfn_of(below + i), kReadWrite);
}

}  // namespace

void fill_boot_tables(PvLayout const& layout, MfnOf const& mfn_of, std::span<std::byte> tables) {
    auto const& counts = layout.table_counts;
    auto const level = [&](std::uint64_t first, std::uint64_t count) {
        return Level{layout.tables.first + first, tables.subspan(first * kPageSize, count * kPageSize)};
    };
    auto const l4 = level(0, 1);
    auto const l3 = level(1, counts.l3);
    auto const l2 = level(1 + counts.l3, counts.l2);
    auto const l1 = level(1 + counts.l3 + counts.l2, counts.l1);
    fill_level(l4, kL1Shift + 3 * kLevelBits, layout.virt_base, l3.first, counts.l3, mfn_of);
    fill_level(l3, kL1Shift + 2 * kLevelBits, layout.virt_base, l2.first, counts.l2, mfn_of);
    fill_level(l2, kL1Shift + kLevelBits, layout.virt_base, l1.first, counts.l1, mfn_of);
    auto const start = (layout.virt_base >> kL1Shift) % kEntries;
    for (std::uint64_t i = 0; i < layout.mapped_pages; ++i) {
        set_entry(l1.pages, start + i, mfn_of(Pfn{i}), layout.tables.contains(Pfn{i}) ? kReadOnly : kReadWrite);
    }
}

void fill_p2m_tables(PvLayout const& layout, MfnOf const& mfn_of, std::span<std::byte> tables) {
    auto const& counts = layout.p2m_tables;
    auto const first = layout.p2m.first + layout.p2m_list_pages;
    Level const l1{first, tables.first(counts.l1 * kPageSize)};
    Level const l2{first + counts.l1, tables.subspan(counts.l1 * kPageSize, counts.l2 * kPageSize)};
    Level const l3{first + counts.l1 + counts.l2, tables.subspan((counts.l1 + counts.l2) * kPageSize, kPageSize)};
    fill_level(l1, kL1Shift, layout.p2m_vaddr, layout.p2m.first, layout.p2m_list_pages, mfn_of);
    fill_level(l2, kL1Shift + kLevelBits, layout.p2m_vaddr, l1.first, counts.l1, mfn_of);
    fill_level(l3, kL1Shift + 2 * kLevelBits, layout.p2m_vaddr, l2.first, counts.l2, mfn_of);
}

void link_p2m_tables(PvLayout const& layout, MfnOf const& mfn_of, std::span<std::byte> l4) {
    auto const l3 = Pfn{layout.p2m.end().raw() - 1};
    fill_level({layout.tables.first, l4}, kL1Shift + 3 * kLevelBits, layout.p2m_vaddr, l3, 1, mfn_of);
}

}  // namespace hospes::control
