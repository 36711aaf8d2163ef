// SPDX-License-Identifier: Apache-2.0
// Table look-ups by numbers that guests choose. A processor may run ahead of the check of a bound, and what it then loads can be found
// out through the cache (Spectre, variant 1): the index itself is made harmless, by arithmetic that no branch guards.
#pragma once

#include "hypervisor/base/types.hpp"

#include <type_traits>

namespace hospes {

// `index` below `size`, else 0, or, where `size` is a constant power of two, something below it. For use behind the check that refuses the latter. `size` is below 2^63.
template <typename Index>
constexpr Index masked_index(Index index, u64 size) {
    u64 wide = index;
    if (!std::is_constant_evaluated()) asm("" : "+r"(wide));  // the compiler must not conclude from the check that nothing is to do
    bool const is_power_of_two = size != 0 && (size & (size - 1)) == 0;
    if (__builtin_constant_p(is_power_of_two) && is_power_of_two) return static_cast<Index>(wide & (size - 1));
    u64 mask = index < size ? ~u64{0} : 0;
    if (!std::is_constant_evaluated()) asm("cmp %2, %1\n\tsbb %0, %0" : "=r"(mask) : "r"(wide), "r"(size) : "cc");  // the borrow of index - size
    return static_cast<Index>(wide & mask);
}

}  // namespace hospes
