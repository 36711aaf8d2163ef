// SPDX-License-Identifier: Apache-2.0
// Instructions that fault because the guest's kernel runs at CPL 3, and are done for it.
#pragma once

namespace hospes {

class Vcpu;

// #GP without a selector: executes the instruction at RIP if it is one a guest may have done for it. False: the #GP is the guest's.
[[nodiscard]] bool emulate_privileged(Vcpu& vcpu);

// #UD: executes "ud2, 'xen', cpuid". False: another instruction.
[[nodiscard]] bool emulate_forced_cpuid(Vcpu& vcpu);

}  // namespace hospes
