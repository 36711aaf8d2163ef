// SPDX-License-Identifier: Apache-2.0
// The machine's memory map in the form guests ask for it (BIOS E820).
#pragma once

#include "hypervisor/base/types.hpp"

#include <array>

namespace hospes {

enum class E820Type : u32 { ram = 1, reserved = 2, acpi = 3, nvs = 4, unusable = 5 };

struct [[gnu::packed]] E820Entry {
    u64 address;
    u64 size;
    E820Type type;
};
static_assert(sizeof(E820Entry) == 20);

inline constexpr u32 kMaxE820Entries = 128;

struct MachineMemoryMap {
    std::array<E820Entry, kMaxE820Entries> entries{};
    u32 count = 0;
};

// Written once at boot.
extern constinit MachineMemoryMap machine_memory_map;

}  // namespace hospes
