// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/exit.hpp"

#include "hypervisor/core/core_lock.hpp"
#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/pv/bounce.hpp"
#include "hypervisor/machine/clock.hpp"
#include "hypervisor/machine/context_switch.hpp"
#include "hypervisor/machine/entry.hpp"
#include "hypervisor/machine/exit_hooks.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/hot_plug.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/machine/requests.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/ipi.hpp"
#include "hypervisor/ports/preempt.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/machine/vectors.hpp"
#include "hypervisor/x86/exceptions.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {
namespace {

// SYSRET restores RIP and RFLAGS only, and RIP must be canonical: on Intel's processors it would fault on the guest's stack.
bool may_use_sysret(GuestRegs const& regs) {
    return regs.vector == kEntrySyscall && regs.cs == kGuestCs64 && regs.ss == kGuestSs && is_canonical(regs.rip) &&
           (regs.rflags & (kRflagsRf | kRflagsVm | kRflagsTf)) == 0;
}

// What no guest may have in RFLAGS goes, and its vector says how to leave.
void make_ready_to_leave(GuestRegs& regs) {
    regs.rflags = (regs.rflags & ~(kRflagsIopl | kRflagsVm)) | kRflagsIf | kRflagsFixed;
    if (!may_use_sysret(regs)) regs.vector = kEntryNone;
}

// With registers made ready.
[[noreturn]] void leave(GuestRegs const& regs) {
    if (regs.vector == kEntrySyscall) return_by_sysret(&regs);
    return_by_iret(&regs);
}

// Must the scheduler be asked, is a timer due, or a dead domain to be reaped? Whoever makes it so kicks the pcpu, be it its own; what
// another pcpu asks of this one (Pcpu::requests) comes with an interrupt, which waits until the guest has been entered.
bool is_kicked(Pcpu const& pcpu) { return pcpu.kicked.load(std::memory_order_relaxed); }

// Is there anything to do but to go on with `vcpu`, or are its page tables, time or runstate not what they should be?
bool has_more_to_do(Pcpu const& pcpu, Vcpu const& vcpu) {
    return is_kicked(pcpu) || vcpu.sched.has_news || pcpu.loaded_root != vcpu.current_root();
}

// With registers made ready: an event is due. Those of its handler are ready too: it lies where code of a guest can be, which was looked at
// when it was registered, and is entered with some of the flags cleared.
[[gnu::noinline, gnu::flatten]] GuestRegs* enter_upcall(Vcpu& vcpu) {
    if (!deliver_upcall(vcpu)) exit_to_guest();  // its domain has been stopped
    return &vcpu.regs;
}

// A kick that is not seen here would be the last: no other pcpu interrupts one that has been kicked already.
void idle(Pcpu& pcpu) {
    if (pcpu.is_to_park.load(std::memory_order_relaxed)) return park(pcpu);
    bool const is_asked = is_kicked(pcpu) || pcpu.requests.load(std::memory_order_relaxed) != 0;
    if (!is_asked && !has_work()) halt_with_interrupts();
}

}  // namespace

GuestRegs* exit_to_same_guest(Pcpu& pcpu) {
    Vcpu& vcpu = *pcpu.loaded;
    if (has_more_to_do(pcpu, vcpu)) [[unlikely]] exit_to_guest();
    make_ready_to_leave(vcpu.regs);
    return has_deliverable_event(vcpu) ? enter_upcall(vcpu) : &vcpu.regs;
}

[[gnu::flatten]] void leave_to_same_guest(Pcpu& pcpu) { leave(*exit_to_same_guest(pcpu)); }

// The entry by SYSCALL, the bounce or iret has set vector, CS and SS to what SYSRET restores. RFLAGS are those the processor ran the guest
// with - at CPL 3, with IOPL 0, nothing the guest executes changes IF, IOPL or VM (SDM vol. 2, POPF) - or those that iret let through. RIP is
// whatever the guest says; that behind a SYSCALL is not canonical when this was the last instruction of the lower half. Whoever changes the
// vcpu's root loads it. A domain that was crashed on the way has had this pcpu kicked.
GuestRegs* exit_by_sysret(Pcpu& pcpu, Vcpu& vcpu) {
    constexpr u64 kFarFromPlain = kRflagsRf | kRflagsVm | kRflagsTf | kRflagsIopl;
    GuestRegs& regs = vcpu.regs;
    bool const is_plain = is_canonical(regs.rip) && (regs.rflags & kFarFromPlain) == 0 && !vcpu.sched.has_news;
    if (!is_plain || is_kicked(pcpu)) leave_to_same_guest(pcpu);
    return has_deliverable_event(vcpu) ? enter_upcall(vcpu) : &regs;
}

// News for its kernel there are none: it comes from there. The event that was due has been counted; one that came since has kicked.
void exit_by_iret(Pcpu& pcpu, Vcpu& vcpu) {
    if (is_kicked(pcpu)) exit_to_guest();
    if (vcpu.pv.returns_interrupted != 0 && has_deliverable_event(vcpu)) leave(*enter_upcall(vcpu));
    return_by_iret(&vcpu.regs);
}

void exit_to_guest() {
    Pcpu& pcpu = this_pcpu();
    for (;;) {
        if (is_kicked(pcpu) || has_work()) {
            (void)pcpu.kicked.exchange(false, std::memory_order_acq_rel);  // what a kick announces is looked at after this
            report_console_input();
            run_pending_work();
        }
        Vcpu* const next = choose_vcpu(pcpu.running);
        pcpu.running = next;
        serve_requests();
        if (next == nullptr) {
            idle(pcpu);
            continue;
        }
        load_vcpu(pcpu, *next);
        if (!deliver_pending_events(*next)) continue;  // it could not take the event, and is crashed
        if (next->sched.has_news) on_switched_in(*next);  // it may be in its kernel only now
        if (has_work() || is_kicked(pcpu)) continue;
        make_ready_to_leave(next->regs);
        leave(next->regs);
    }
}

bool preempt_pending() {
    open_interrupt_window();
    return has_work() || core_lock.is_wanted() || is_kicked(this_pcpu());
}

void kick_pcpu(PcpuId id) {
    Pcpu& pcpu = pcpus[id.raw()];
    if (pcpu.kicked.exchange(true, std::memory_order_acq_rel)) return;  // it is on its way
    if (id != this_pcpu().id && pcpu.is_online.load(std::memory_order_acquire)) send_ipi(pcpu.apic_id, kKickVector);
}

}  // namespace hospes
