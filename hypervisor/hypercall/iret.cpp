// SPDX-License-Identifier: Apache-2.0
// iret (23): back from a handler, or into user mode. The frame lies at the caller's RSP.
#include "hypervisor/core/pv/crash.hpp"
#include "hypervisor/core/pv/iret_frame.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {

Outcome hypercall_iret(Vcpu& caller, HypercallArgs&) {
    iret_context frame;
    if (!copy_words_from_guest(&frame, GuestAddress{caller.regs.rsp}, sizeof frame)) {
        crash_guest(caller, "iret with a stack that cannot be read");
        return 0;
    }
    apply_iret_frame(caller, frame);
    return static_cast<i64>(caller.regs.rax);
}

}  // namespace hospes
