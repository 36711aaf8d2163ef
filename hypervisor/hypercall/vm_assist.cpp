// SPDX-License-Identifier: Apache-2.0
// vm_assist (21): switches of a domain's behaviour.
#include "hypervisor/hypercall/hypercall.hpp"

namespace hospes {

Outcome hypercall_vm_assist(Vcpu& caller, HypercallArgs& args) {
    // Writable page tables are always emulated, and cr3 is always extended; the runstate area needs no update mark
    // (core/time/guest_time.cpp), so all three may be asked for.
    constexpr u32 kKnown = 1u << VMASST_TYPE_writable_pagetables | 1u << VMASST_TYPE_pae_extended_cr3 |
                           1u << VMASST_TYPE_runstate_update_flag | 1u << VMASST_TYPE_4gb_segments;
    if (args[1] >= 32) return Errno::invalid;
    u32 const bit = u32{1} << args[1];
    if ((bit & kKnown) == 0) return Errno::invalid;
    switch (args[0]) {
        case VMASST_CMD_enable:
            caller.domain().vm_assist |= bit;
            return 0;
        case VMASST_CMD_disable:
            caller.domain().vm_assist &= ~bit;
            return 0;
        default:
            return Errno::no_system_call;
    }
}

}  // namespace hospes
