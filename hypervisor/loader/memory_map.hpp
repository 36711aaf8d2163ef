// SPDX-License-Identifier: Apache-2.0
//
// From the firmware's memory descriptors to the sorted, merged map of the hand-off. Pure: calls no firmware.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "hypervisor/abi/handoff.hpp"

namespace hospes::loader {

/// Whether ranges of this type are memory at all (and not device registers or holes).
[[nodiscard]] bool is_ram(EfiMemoryType type);

/// End of the highest range that is RAM; 0 if there is none.
[[nodiscard]] uint64_t end_of_ram(std::span<const MemoryRange> ranges);

/// Sorts by start, drops empty ranges and merges neighbours of equal type and attributes, in place.
/// Returns how many ranges are left.
size_t tidy(std::span<MemoryRange> ranges);

}  // namespace hospes::loader
