// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/x86/guest_regs.hpp"

namespace hospes {

struct Pcpu;
class Vcpu;

// Back to the vcpu for which the core was entered, when nothing else is due: delivers its event, if one is, and returns its registers
// for the stub to leave with. Otherwise exit_to_guest().
GuestRegs* exit_to_same_guest(Pcpu& pcpu);
// The same, with the leaving.
[[noreturn, gnu::noinline]] void leave_to_same_guest(Pcpu& pcpu);
// When the vector of `vcpu`, which is that one, is kEntrySyscall: after a hypercall, or when a handler of its kernel is entered. Returns only
// with registers that SYSRET restores.
GuestRegs* exit_by_sysret(Pcpu& pcpu, Vcpu& vcpu);
// When an iret hypercall has loaded all of its registers: they hold nothing but what a guest may have in them.
[[noreturn]] void exit_by_iret(Pcpu& pcpu, Vcpu& vcpu);

// The other way out of the core: does what is due, chooses a vcpu (or idles), delivers its events and returns to it.
// Nothing with a destructor may be alive in the caller.
[[noreturn, gnu::noinline]] void exit_to_guest();

}  // namespace hospes
