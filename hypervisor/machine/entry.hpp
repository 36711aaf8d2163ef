// SPDX-License-Identifier: Apache-2.0
// Labels of machine/entry.S, and the C++ functions it calls.
#pragma once

#include "hypervisor/x86/guest_regs.hpp"

extern "C" {

// Code. 256 stubs of kVectorStubBytes each; the page that SYSCALL enters (seen at kAreaTrampoline, where LSTAR points).
extern unsigned char const vector_stubs[];
extern unsigned char const syscall_trampoline[];
extern unsigned char const syscall_trampoline_compat[];
extern unsigned char const guest_iret_instruction[];

// Leave to the guest whose registers these are.
[[noreturn]] void return_by_iret(hospes::GuestRegs const* regs);
[[noreturn]] void return_by_sysret(hospes::GuestRegs const* regs);
// Calls `function` on an empty stack.
[[noreturn]] void run_on_stack(hospes::u64 stack_top, void (*function)());
// Loads the core's CS and SS, null in the others.
void load_core_segments();

// Where the trampoline goes on, on the pcpu's stack.
extern unsigned char const syscall_entry[];
extern unsigned char const compat_syscall_entry[];

// Called by the stubs. `regs` of a guest are those in its Vcpu. They return the registers of the same vcpu, ready to leave with: by
// SYSRET if their vector is kEntrySyscall, which it is at the end of a SYSCALL, else by IRET. Where another vcpu, more work or another way
// back is due they leave themselves.
hospes::GuestRegs* guest_syscall_entry(hospes::GuestRegs* regs);
hospes::GuestRegs* guest_trap_entry(hospes::GuestRegs* regs);
void core_trap_entry(hospes::GuestRegs* regs);  // interrupted the core itself; returning resumes it
void ist_trap_entry(hospes::GuestRegs* regs);   // NMI, #DF, #MC, #DB: on a stack of their own
}

namespace hospes {
inline constexpr unsigned kVectorStubBytes = 16;
}
