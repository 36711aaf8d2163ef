// SPDX-License-Identifier: Apache-2.0
// Which pcpus can hold translations of guests. The others are left alone by every flush.
#pragma once

#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {

// The pcpu is about to load an address space, and had none. Before CR3: who removes a translation that it may yet load finds it here.
void expect_translations(Pcpu& pcpu);

// It has loaded the core's own tables, which flushed all there was.
void hold_no_translations(Pcpu& pcpu);

}  // namespace hospes
