// SPDX-License-Identifier: Apache-2.0
// What a hypercall handler gets and gives.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/core/domain/domain.hpp"

#include <array>

namespace hospes {

// RDI RSI RDX R10 R8 R9. A handler that asks for a continuation first updates them to where it stopped; otherwise it leaves them alone.
// Those of a hypercall by SYSCALL are the caller's registers themselves.
struct [[gnu::may_alias]] HypercallArgs {
    std::array<u64, 6> arg;
    u64 operator[](unsigned i) const { return arg[i]; }
    u64& operator[](unsigned i) { return arg[i]; }
};

inline HypercallArgs& args_of(GuestRegs& regs) {
    static_assert(offsetof(GuestRegs, r9) - offsetof(GuestRegs, rdi) == sizeof(HypercallArgs) - sizeof(u64));
    return *reinterpret_cast<HypercallArgs*>(&regs.rdi);
}

// The value for RAX, an error, or Errno::restart: run the same hypercall again with the updated arguments.
using Outcome = Result<i64>;

enum class Caller : u8 { any_domain, control_domain };

// Does it touch more than its caller's own state? Then it runs under the core lock; a handler that does not may take it for a part.
enum class Touches : u8 { own_vcpu, shared };

using HypercallHandler = Outcome (*)(Vcpu& caller, HypercallArgs& args);

struct Hypercall {
    u16 number = 0;
    char const* name = nullptr;
    HypercallHandler handle = nullptr;  // refuses who has no right to it, and takes the core lock where it is to
};

// Runs hypercall `number` for `caller`: Errno::no_system_call for an unknown one, Errno::perm without the privilege.
Outcome dispatch_hypercall(Vcpu& caller, u64 number, HypercallArgs& args);

// For the log.
char const* hypercall_name(u64 number);

// One function a hypercall; each has a file of its name in this folder.
Outcome hypercall_set_trap_table(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_mmu_update(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_set_gdt(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_stack_switch(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_set_callbacks(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_fpu_taskswitch(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_platform_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_set_debugreg(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_get_debugreg(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_update_descriptor(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_memory_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_multicall(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_update_va_mapping(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_set_timer_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_xen_version(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_console_io(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_grant_table_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_vm_assist(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_update_va_mapping_otherdomain(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_iret(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_vcpu_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_set_segment_base(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_mmuext_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_sched_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_callback_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_event_channel_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_physdev_op(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_sysctl(Vcpu& caller, HypercallArgs& args);
Outcome hypercall_domctl(Vcpu& caller, HypercallArgs& args);

}  // namespace hospes
