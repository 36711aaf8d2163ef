// SPDX-License-Identifier: Apache-2.0
// stack_switch (3): the stack on which the caller's kernel is entered from its user mode. The selector is kept for getvcpucontext only.
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {

Outcome hypercall_stack_switch(Vcpu& caller, HypercallArgs& args) {
    constexpr u64 kWord = 8;
    if (!is_guest_range(GuestAddress{args[1] - kWord}, kWord)) return Errno::invalid;
    caller.pv.kernel_ss = (args[0] & 0xffff) | 3;
    caller.pv.kernel_sp = args[1];
    return 0;
}

}  // namespace hospes
