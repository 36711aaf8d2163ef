// SPDX-License-Identifier: Apache-2.0
// Floating-point and vector state: switched eagerly, all components the core knows, whatever the guest has turned on.
#pragma once

namespace hospes {

class Vcpu;

void save_fpu(Vcpu& vcpu);
void load_fpu(Vcpu const& vcpu);  // with the guest's XCR0 and TS

}  // namespace hospes
