// SPDX-License-Identifier: Apache-2.0
// Device memory the direct map does not reach.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

class Heap;

// Before the L4 slots are handed out to guests.
void init_mmio_map(Heap& heap);

// The page `mfn`, uncached, mapped for good; the same address each time. Errno::no_memory: too many different pages.
Result<void volatile*> map_mmio(Mfn mfn);

}  // namespace hospes
