// SPDX-License-Identifier: Apache-2.0
// fpu_taskswitch (5): the guest's CR0.TS.
#include "hypervisor/core/pv/control_registers.hpp"
#include "hypervisor/hypercall/hypercall.hpp"

namespace hospes {

Outcome hypercall_fpu_taskswitch(Vcpu& caller, HypercallArgs& args) {
    set_task_switched(caller, args[0] != 0);
    return 0;
}

}  // namespace hospes
