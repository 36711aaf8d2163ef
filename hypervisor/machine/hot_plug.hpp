// SPDX-License-Identifier: Apache-2.0
// A processor that is taken out of use stays in the core, halted (ports/processors.hpp).
#pragma once

#include "hypervisor/machine/pcpu.hpp"

namespace hospes {

// This pcpu, which has no vcpu to run, is offline until it is asked to return.
void park(Pcpu& pcpu);

}  // namespace hospes
