// SPDX-License-Identifier: Apache-2.0
// Where the entry stubs arrive: sorts what happened, hands it on, and leaves by exit_to_guest().
#include "hypervisor/core/pv/bounce.hpp"
#include "hypervisor/core/pv/exceptions.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/machine/cpu_features.hpp"
#include "hypervisor/machine/entry.hpp"
#include "hypervisor/machine/exit.hpp"
#include "hypervisor/machine/fixups.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/log_level.hpp"
#include "hypervisor/machine/panic.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/machine/vectors.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/exceptions.hpp"

namespace hospes {
namespace {

constexpr u64 kSyscallBytes = 2;

[[gnu::noinline, gnu::cold]] void log_refusal(Vcpu& vcpu, u64 number, Errno error) {
    HypercallArgs const& args = args_of(vcpu.regs);
    constexpr u64 kAboutALine = 100;
    if (!vcpu.domain().log_share.take(kAboutALine, system_time())) return;
    HV_DEBUG("d%uv%u: hypercall %lu(%lx, %lx, %lx) from rip %lx: error %d", static_cast<unsigned>(vcpu.domain().id().raw()), vcpu.id().raw(), number,
             args[0], args[1], args[2], vcpu.regs.rip, static_cast<int>(error));
}

void handle_hypercall(Vcpu& vcpu) {
    GuestRegs& regs = vcpu.regs;
    Outcome const outcome = dispatch_hypercall(vcpu, regs.rax, args_of(regs));
    if (outcome.ok()) [[likely]] {
        regs.rax = static_cast<u64>(outcome.value());
        return;
    }
    if (outcome.error() == Errno::restart) {  // the guest executes its SYSCALL again
        regs.rip -= kSyscallBytes;
        return;
    }
    u64 const number = regs.rax;
    regs.rax = static_cast<u64>(to_abi(outcome.error()));
    if (log_level() >= LogLevel::debug) log_refusal(vcpu, number, outcome.error());
}

void handle_compat_syscall(Vcpu& vcpu) {  // no callback for it can be registered: the instruction does not exist
    vcpu.regs.rip -= kSyscallBytes;
    vcpu.regs.vector = kEntryNone;
    deliver_exception(vcpu, kVectorInvalidOpcode, 0);
}

void handle_guest_entry(Vcpu& vcpu, u32 vector) {
    switch (vector) {
        case kEntryCompatSyscall: handle_compat_syscall(vcpu); return;
        case kVectorLinuxInt80: handle_software_interrupt(vcpu, kVectorLinuxInt80); return;
        default: break;
    }
    if (vector >= 32) {
        dispatch_interrupt(Vector{static_cast<u8>(vector)});
        return;
    }
    Fault fault{.vector = static_cast<u8>(vector), .error_code = vcpu.regs.error_code, .cr2 = 0, .dr6 = 0};
    if (vector == kVectorPageFault) fault.cr2 = read_cr2();
    handle_exception(vcpu, fault);
}

// Whatever it was that ended the mode: only an interrupt concerns others.
void leave_virtual_8086(Vcpu& vcpu) {
    u32 const vector = vcpu.regs.vector;
    if (vector >= 32 && vector < kEntrySyscall && vector != kVectorLinuxInt80) dispatch_interrupt(Vector{static_cast<u8>(vector)});
    handle_virtual_8086(vcpu);
}

void resume_virtual_8086() {
    leave_virtual_8086(current_vcpu());
    exit_to_guest();
}

// Continues a guest's #DB, which came on the debug stack, on the pcpu's own.
void resume_guest_debug() {
    handle_exception(current_vcpu(), this_pcpu().deferred_fault);
    exit_to_guest();
}

void resume_return_fault() {
    handle_return_fault(current_vcpu(), this_pcpu().deferred_fault);
    exit_to_guest();
}

// IRETQ refused what the guest asked for (selectors, RIP). Its registers are still intact: the fault becomes the guest's own,
// in the state it wanted to go to.
[[noreturn]] void convert_return_fault(GuestRegs const& core) {
    this_pcpu().deferred_fault = {.vector = static_cast<u8>(core.vector), .error_code = core.error_code, .cr2 = read_cr2(), .dr6 = 0};
    run_on_stack(this_pcpu().stack_top(), resume_return_fault);
}

// The three ways of a SYSCALL, straight on: what is called there and taken seldom is marked noinline where it is defined. Each saves only
// the registers that it needs.
[[gnu::noinline, gnu::flatten]] GuestRegs* take_system_call(Pcpu& pcpu) {
    Vcpu& vcpu = *pcpu.loaded;
    deliver_syscall_callback(vcpu);
    return exit_by_sysret(pcpu, vcpu);
}

[[gnu::noinline, gnu::flatten]] GuestRegs* take_iret(Pcpu& pcpu) {
    Vcpu& vcpu = *pcpu.loaded;
    (void)hypercall_iret(vcpu, args_of(vcpu.regs));
    if (vcpu.regs.vector == kEntrySyscall) return exit_by_sysret(pcpu, vcpu);
    exit_by_iret(pcpu, vcpu);
}

[[gnu::noinline, gnu::flatten]] GuestRegs* take_hypercall(Pcpu& pcpu) {
    Vcpu& vcpu = *pcpu.loaded;
    handle_hypercall(vcpu);
    return exit_by_sysret(pcpu, vcpu);
}

}  // namespace
}  // namespace hospes

using namespace hospes;

GuestRegs* guest_syscall_entry(GuestRegs* regs) {
    Pcpu& pcpu = pcpu_of_stack();
    if (!pcpu.loaded->pv.in_kernel) return take_system_call(pcpu);
    if (regs->rax == __HYPERVISOR_iret) return take_iret(pcpu);
    return take_hypercall(pcpu);
}

GuestRegs* guest_trap_entry(GuestRegs* regs) {
    if (cpu_features.smap) asm volatile("clac" : : : "memory");  // an interrupt gate keeps AC as the guest has set it
    Pcpu& pcpu = pcpu_of_stack();
    Vcpu& vcpu = *pcpu.loaded;
    if (is_virtual_8086(*regs))
        leave_virtual_8086(vcpu);
    else
        handle_guest_entry(vcpu, regs->vector);
    // Iret and the bounce say by the vector whether SYSRET restores all of what they have set.
    return vcpu.regs.vector == kEntrySyscall ? exit_by_sysret(pcpu, vcpu) : exit_to_same_guest(pcpu);
}

void core_trap_entry(GuestRegs* regs) {
    if (regs->vector >= 32) {
        dispatch_interrupt(Vector{static_cast<u8>(regs->vector)});
        return;
    }
    if (regs->rip == reinterpret_cast<u64>(guest_iret_instruction)) convert_return_fault(*regs);
    u64 const fixup = find_fixup(regs->rip);
    if (fixup == 0) panic_with_registers(*regs, "exception in the core");
    regs->rip = fixup;
}

void ist_trap_entry(GuestRegs* regs) {
    if (cpu_features.smap) asm volatile("clac" : : : "memory");  // as above; the core's own AC comes back with its flags
    bool const from_guest = are_of_guest(*regs);
    if (is_virtual_8086(*regs) && (regs->vector == kVectorDebug || regs->vector == kVectorNmi)) {
        current_vcpu().regs = *regs;
        run_on_stack(this_pcpu().stack_top(), resume_virtual_8086);
    }
    switch (regs->vector) {
        case kVectorDebug: {
            u64 const dr6 = read_dr6();
            write_dr6(0xffff'0ff0);
            if (!from_guest) return;  // a guest's watchpoint on memory that the core copied
            current_vcpu().regs = *regs;
            this_pcpu().deferred_fault = {.vector = kVectorDebug, .error_code = 0, .cr2 = 0, .dr6 = dr6};
            run_on_stack(this_pcpu().stack_top(), resume_guest_debug);
        }
        case kVectorNmi:
            if (from_guest) HV_WARN("NMI at rip %lx", regs->rip);  // the core may have been at its log, and hold the lock
            return;
        default: panic_with_registers(*regs, regs->vector == kVectorDoubleFault ? "double fault" : "machine check");
    }
}
