// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/pv_layout.hpp"

#include <functional>
#include <span>

namespace hospes::control {

/// Bits of a page-table entry as a new domain's tables have them (every entry is for guest mode 3 as well).
inline constexpr std::uint64_t kPtePresent = 1 << 0;
inline constexpr std::uint64_t kPteWritable = 1 << 1;
inline constexpr std::uint64_t kPteUser = 1 << 2;
inline constexpr std::uint64_t kPteAccessed = 1 << 5;
inline constexpr std::uint64_t kPteDirty = 1 << 6;

/// Tells the machine frame of a pfn.
using MfnOf = std::function<Mfn(Pfn)>;

/// Fills the boot mapping's page tables. `tables`: the zeroed pages of layout.tables, in their order.
/// Frames that are page tables themselves are mapped read-only: the hypervisor accepts nothing else.
void fill_boot_tables(PvLayout const& layout, MfnOf const& mfn_of, std::span<std::byte> tables);

/// Fills the p2m list's own page tables. `tables`: the zeroed pages behind the list in layout.p2m (L1, L2, L3).
void fill_p2m_tables(PvLayout const& layout, MfnOf const& mfn_of, std::span<std::byte> tables);

/// The L4 entry for the p2m list's L3 goes into the boot mapping's L4 (the first page of its tables).
void link_p2m_tables(PvLayout const& layout, MfnOf const& mfn_of, std::span<std::byte> l4);

}  // namespace hospes::control
