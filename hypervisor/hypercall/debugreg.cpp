// SPDX-License-Identifier: Apache-2.0
// set_debugreg (8) and get_debugreg (9).
#include "hypervisor/core/pv/control_registers.hpp"
#include "hypervisor/hypercall/hypercall.hpp"

namespace hospes {

Outcome hypercall_set_debugreg(Vcpu& caller, HypercallArgs& args) {
    if (args[0] > 7) return Errno::invalid;
    HV_TRY(write_debug_register(caller, static_cast<unsigned>(args[0]), args[1]));
    return 0;
}

Outcome hypercall_get_debugreg(Vcpu& caller, HypercallArgs& args) {
    if (args[0] > 7) return Errno::invalid;
    return static_cast<i64>(HV_TRY(read_debug_register(caller, static_cast<unsigned>(args[0]))));
}

}  // namespace hospes
