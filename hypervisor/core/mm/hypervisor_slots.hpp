// SPDX-License-Identifier: Apache-2.0
// The L4 entries of the core, which every level-4 table carries (slots 256 to 271).
#pragma once

#include "hypervisor/x86/layout.hpp"

#include <array>

namespace hospes {

inline constexpr unsigned kHypervisorSlots = kLastHypervisorSlot - kFirstHypervisorSlot + 1;

// Set once at boot, before the first table is validated.
extern constinit std::array<u64, kHypervisorSlots> hypervisor_slots;

inline void install_hypervisor_slots(u64* l4_table) {
    for (unsigned i = 0; i < kHypervisorSlots; ++i) __atomic_store_n(&l4_table[kFirstHypervisorSlot + i], hypervisor_slots[i], __ATOMIC_RELAXED);
}

}  // namespace hospes
