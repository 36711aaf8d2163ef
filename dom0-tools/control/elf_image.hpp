// SPDX-License-Identifier: Apache-2.0
// The parts of an x86-64 ELF executable that loading needs. Views into the file's bytes, which have to outlive it.
#pragma once

#include "dom0-tools/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hospes::control {

/// A PT_LOAD segment: `content` goes to physical address `paddr`, zeroes follow up to `memory_size` bytes.
struct LoadSegment {
    std::uint64_t paddr = 0;
    std::span<std::byte const> content;
    std::uint64_t memory_size = 0;
};

struct ElfImage {
    std::vector<LoadSegment> segments;
    std::vector<std::span<std::byte const>> notes;  ///< the PT_NOTE segments
};

bool is_elf(std::span<std::byte const> file);

/// EINVAL with the reason: cut off, not ELF64 for x86-64, no executable, or nonsense in its tables.
Result<ElfImage> read_elf(std::span<std::byte const> file);

}  // namespace hospes::control
