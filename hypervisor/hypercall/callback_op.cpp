// SPDX-License-Identifier: Apache-2.0
// callback_op (30) and its ancestor set_callbacks (4): where the guest's kernel is entered for events, system calls and failed selectors.
#include "hypervisor/core/pv/trap_table.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/exceptions.hpp"

namespace hospes {
namespace {

// Entries of 32-bit system calls are not offered: Linux then does without SYSENTER and SYSCALL there, and INT 0x80 serves.
Outcome register_callback(Vcpu& caller, GuestAddress arg) {
    callback_register_t const request = HV_TRY(GuestHandle<callback_register_t>{arg}.read());
    if (!is_valid_handler(request.address)) return Errno::invalid;
    Callback const callback{.address = request.address, .masks_events = (request.flags & CALLBACKF_mask_events) != 0};
    switch (request.type) {
        case CALLBACKTYPE_event: caller.pv.event_callback = callback; return 0;
        case CALLBACKTYPE_failsafe: caller.pv.failsafe_callback = callback; return 0;
        case CALLBACKTYPE_syscall: caller.pv.syscall_callback = callback; return 0;
        case CALLBACKTYPE_nmi:
            caller.pv.traps[kVectorNmi] = {.address = request.address, .cs = kGuestCs64, .dpl = 0, .masks_events = true};
            return 0;
        default: return Errno::no_system_call;
    }
}

Outcome unregister_callback(Vcpu& caller, GuestAddress arg) {
    callback_unregister_t const request = HV_TRY(GuestHandle<callback_unregister_t>{arg}.read());
    if (request.type != CALLBACKTYPE_nmi) return Errno::invalid;
    caller.pv.traps[kVectorNmi] = {};
    return 0;
}

}  // namespace

Outcome hypercall_callback_op(Vcpu& caller, HypercallArgs& args) {
    switch (args[0]) {
        case CALLBACKOP_register: return register_callback(caller, GuestAddress{args[1]});
        case CALLBACKOP_unregister: return unregister_callback(caller, GuestAddress{args[1]});
        default: return Errno::no_system_call;
    }
}

Outcome hypercall_set_callbacks(Vcpu& caller, HypercallArgs& args) {
    for (unsigned i = 0; i < 3; ++i)
        if (!is_valid_handler(args[i])) return Errno::invalid;
    caller.pv.event_callback = {.address = args[0], .masks_events = true};
    caller.pv.failsafe_callback = {.address = args[1], .masks_events = false};
    caller.pv.syscall_callback = {.address = args[2], .masks_events = false};
    return 0;
}

}  // namespace hospes
