// SPDX-License-Identifier: Apache-2.0
// The machine-to-physical table: for each frame of RAM the pfn its owner gave it. Guests read it, so it holds nothing secret.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

// Entry of machine frame 0: kM2pBase, or a test's array.
extern constinit u64 m2p_base;

inline constexpr u64 kInvalidM2pEntry = ~u64{0};

// For frames of RAM only.
inline void set_m2p(Mfn mfn, u64 pfn) { __atomic_store_n(reinterpret_cast<u64*>(m2p_base) + mfn.raw(), pfn, __ATOMIC_RELAXED); }
inline void clear_m2p(Mfn mfn) { set_m2p(mfn, kInvalidM2pEntry); }

}  // namespace hospes
