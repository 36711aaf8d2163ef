// SPDX-License-Identifier: Apache-2.0
// Exceptions and callbacks: the trap table, expected faults, and the dump of unexpected ones.
#pragma once
#include "abi.hpp"

namespace hospes::guest {

/// The whole state at an exception or callback, as entry.S lays it out.
struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;

    bool from_user() const { return (cs & 3) == 3; }
    u8 saved_upcall_mask() const { return static_cast<u8>(cs >> 32); }
};

constexpr u64 kVectorEvent = 256, kVectorSyscall = 257, kVectorFailsafe = 258;

/// Registers the trap table (all 32 vectors and 0x80), the event, failsafe and system-call callbacks.
void trap_init();
/// The table trap_init registered, ended by an entry with address 0.
const trap_info_t *trap_table();

/// What a test wants to see of traps before the default (recover an expected one, else dump and crash). Returns true
/// when it dealt with the frame, which is then returned to as the hook left it.
using TrapHook = bool (*)(TrapFrame &frame, void *context);
void set_trap_hook(TrapHook hook, void *context);

/// The exception that ended a piece of code, or none.
struct Fault {
    bool happened = false;
    u64 cr2 = 0;
    TrapFrame frame{};

    u64 vector() const { return happened ? frame.vector : ~0ULL; }
};

namespace detail {
void catch_fault(void (*function)(void *), void *argument, Fault &fault);
}

/// Runs `code`; an exception in it ends it and is returned. Locals of `code` are not destroyed in that case.
template <class Code> Fault catch_fault(Code code) {
    Fault fault;
    detail::catch_fault([](void *argument) { (*static_cast<Code *>(argument))(); }, &code, fault);
    return fault;
}

/// Prints registers and the top of the stack.
void dump_frame(const TrapFrame &frame);

}  // namespace hospes::guest
