// SPDX-License-Identifier: Apache-2.0
// Starts the processors beyond the first.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

class Heap;

inline constexpr u64 kApStartPages = 4;  // of low memory: code, and three levels of tables

// Starts those that ACPI names, up to `limit` in all, with stacks from `heap`. `low_memory`: kApStartPages unused frames below 1 MiB; without
// them (an invalid frame) the boot processor stays alone. One that does not come up is named in the log and left out.
void start_other_pcpus(Heap& heap, Mfn low_memory, u32 limit);

}  // namespace hospes
