// SPDX-License-Identifier: Apache-2.0
// Pointers that guests pass, made fit to be followed. A processor may run ahead of a check, and what it then loads can be found out
// through the cache (Spectre, variant 1): so the address itself is made harmless, by arithmetic that no branch guards.
#pragma once

#include "hypervisor/x86/layout.hpp"

namespace hospes {

// Memory that starts below the core's part ends below it too, if it is no longer than this: between them lies what is not canonical, and
// an access there faults.
inline constexpr u64 kLongestGuestMemory = u64{1} << 47;

// What to follow for a guest's pointer to memory no longer than kLongestGuestMemory: the same address; or 0, also in speculation, for one
// that is not canonical or in the core's part. (0 itself is no pointer: a kernel keeps nothing there.)
[[gnu::always_inline]] inline u64 guest_pointer(GuestAddress start) {
    // In steps of 8 TiB a guest's addresses are the 15 below zero and the 16 from there on.
    constexpr unsigned kStepShift = 43;
    constexpr u64 kStepsBelowZero = 15, kSteps = 31;
    static_assert(static_cast<i64>(kHypervisorEnd) >> kStepShift == -static_cast<i64>(kStepsBelowZero));
    u64 const step = static_cast<u64>(static_cast<i64>(start.raw()) >> kStepShift) + kStepsBelowZero;
    u64 mask;
    asm("cmp %[steps], %[step]\n\tsbb %[mask], %[mask]" : [mask] "=r"(mask) : [step] "r"(step), [steps] "i"(kSteps) : "cc");  // the borrow
    return start.raw() & mask;
}

}  // namespace hospes
