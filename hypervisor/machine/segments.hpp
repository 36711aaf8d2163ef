// SPDX-License-Identifier: Apache-2.0
// Selectors and bases of the guest whose state is loaded.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

class Vcpu;

// Processor -> PvState.
void save_segments(Vcpu& vcpu);

// PvState -> processor, with the vcpu's GDT and LDT in place. False when the GDT or LDT no longer has one of the selectors: it is then
// null in the processor, and the guest is to be told by its failsafe callback.
[[nodiscard]] bool load_segments(Vcpu const& vcpu);

}  // namespace hospes
