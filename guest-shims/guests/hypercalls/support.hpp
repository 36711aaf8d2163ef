// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <initializer_list>

#include "rt/guest.hpp"
#include "rt/test.hpp"

namespace hospes::guest {

/// Addresses no hypercall may read or write for a guest: unmapped, in the hypervisor's range (its start is the
/// machine-to-physical table, readable but not writable), non-canonical, and the last byte before wrap-around.
inline constexpr u64 kBadPointers[] = {0x1000, 0x7ffffffffffc, kHypervisorStart + 0x40000000000, kHypervisorEnd - 8, kNonCanonical};

/// A frame number that is neither RAM nor permitted MMIO.
inline constexpr Mfn kNoSuchMfn{0xfffffffffUL};

/// What an operation on a domain that does not exist may return: an unprivileged caller need not learn that it is missing.
inline bool is_missing_domain(long result) { return result == kESRCH || (result == kEPERM && !is_initial_domain()); }

}  // namespace hospes::guest
