// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/bounce.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/pv/crash.hpp"
#include "hypervisor/core/time/timers.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/exceptions.hpp"

namespace hospes {
namespace {

constexpr u64 kStackAlignment = 16;
constexpr unsigned kSavedMaskShift = 32;  // cpu_user_regs.saved_upcall_mask: the byte above CS
constexpr u64 kFlagsClearedOnEntry = kRflagsAc | kRflagsVm | kRflagsRf | kRflagsNt | kRflagsTf;

// Words from the lowest address up; the frame is built downwards in a private copy and stored at once.
class Frame64 {
public:
    void push(u64 word) { words_[--first_] = word; }
    void const* bytes() const { return &words_[first_]; }
    usize size() const { return (kMaxWords - first_) * sizeof(u64); }

private:
    static constexpr unsigned kMaxWords = 12;
    std::array<u64, kMaxWords> words_;  // below first_: not read
    unsigned first_ = kMaxWords;
};

void push_interrupted_state(Frame64& frame, Vcpu const& vcpu, bool events_were_masked) {
    GuestRegs const& regs = vcpu.regs;
    u64 const selector_mask = vcpu.pv.in_kernel ? 0xfffc : 0xffff;  // the guest tells kernel from user by CS.RPL
    frame.push(regs.ss & 0xffff);
    frame.push(regs.rsp);
    frame.push((regs.rflags & ~(kRflagsIf | kRflagsIopl)) | (events_were_masked ? 0 : kRflagsIf));
    frame.push((regs.cs & selector_mask) | u64{events_were_masked} << kSavedMaskShift);
    frame.push(regs.rip);
}

// Stores the finished frame and continues at `handler`. False: the domain was stopped.
bool enter_handler(Vcpu& vcpu, Frame64 const& frame, u64 handler, bool masks_events) {
    GuestRegs& regs = vcpu.regs;
    u64 const stack = (vcpu.pv.in_kernel ? regs.rsp : vcpu.pv.kernel_sp) & ~(kStackAlignment - 1);
    GuestAddress const top = GuestAddress{stack} - frame.size();
    if (!enter_guest_mode(vcpu, true) || !copy_to_guest(top, frame.bytes(), frame.size())) {
        crash_guest(vcpu, "its kernel stack cannot take a frame (stack_switch, or a stack overflow)");
        return false;
    }
    if (masks_events) mask_events(vcpu);
    regs.rip = handler;
    regs.cs = kGuestCs64;
    regs.ss = kGuestSs;
    regs.rsp = top.raw();
    regs.rflags &= ~kFlagsClearedOnEntry;
    regs.vector = kEntrySyscall;  // the guest takes RCX and R11 from the frame
    return true;
}

void push_scratch_registers(Frame64& frame, GuestRegs const& regs) {
    frame.push(regs.r11);
    frame.push(regs.rcx);
}

bool deliver_callback(Vcpu& vcpu, u64 handler, bool masks_events) {
    Frame64 frame;
    push_interrupted_state(frame, vcpu, are_events_masked(vcpu));
    push_scratch_registers(frame, vcpu.regs);
    return enter_handler(vcpu, frame, handler, masks_events);
}

[[gnu::noinline]] bool deliver_trap(Vcpu& vcpu, u8 vector, u32 error_code) {
    TrapHandler const& handler = vcpu.pv.traps[vector];
    if (handler.address == 0) {
        vcpu.regs.vector = vector;
        crash_guest(vcpu, "an exception without a handler in its trap table");
        return false;
    }
    Frame64 frame;
    push_interrupted_state(frame, vcpu, are_events_masked(vcpu));
    if (has_error_code(vector)) frame.push(error_code);
    push_scratch_registers(frame, vcpu.regs);
    return enter_handler(vcpu, frame, handler.address, handler.masks_events);
}

// A kernel whose upcall raises the next event for itself (Linux with PREEMPT_RT does, for RCU) would never get on with what it was
// interrupted in, as the upcalls follow each other at the iret hypercall. Now and then it gets a moment.
[[gnu::noinline]] bool gets_a_moment(Vcpu& vcpu) {
    constexpr u8 kMaxReturnsInterrupted = 16;
    constexpr Nanoseconds kMoment{100'000};
    if (vcpu.pv.returns_interrupted < kMaxReturnsInterrupted) return false;
    vcpu.pv.returns_interrupted = 0;
    set_poll_limit(vcpu, system_time() + kMoment);  // a vcpu that runs does not poll: this only makes the core look again
    return true;
}

}  // namespace

void deliver_exception(Vcpu& vcpu, u8 vector, u32 error_code) { (void)deliver_trap(vcpu, vector, error_code); }

void deliver_syscall_callback(Vcpu& vcpu) {
    Callback const& callback = vcpu.pv.syscall_callback;
    if (callback.address == 0) {
        constexpr u64 kSyscallBytes = 2;
        vcpu.regs.rip -= kSyscallBytes;
        deliver_exception(vcpu, kVectorInvalidOpcode, 0);
        return;
    }
    if (deliver_callback(vcpu, callback.address, callback.masks_events)) vcpu.regs.rflags &= ~kRflagsDf;
}

void deliver_failsafe(Vcpu& vcpu, std::array<u16, 4> const& selectors) {
    Callback const& callback = vcpu.pv.failsafe_callback;
    if (callback.address == 0) {
        crash_guest(vcpu, "a selector that cannot be loaded, and no failsafe callback");
        return;
    }
    Frame64 frame;
    push_interrupted_state(frame, vcpu, are_events_masked(vcpu));
    for (unsigned i = 4; i > 0; --i) frame.push(selectors[i - 1]);
    push_scratch_registers(frame, vcpu.regs);
    (void)enter_handler(vcpu, frame, callback.address, callback.masks_events);
}

bool deliver_pending_events(Vcpu& vcpu) {
    PvState& pv = vcpu.pv;
    if (pv.nmi_pending && !pv.nmi_masked && pv.traps[kVectorNmi].address != 0) {
        pv.nmi_pending = false;
        pv.nmi_masked = true;
        if (!deliver_trap(vcpu, kVectorNmi, 0)) return false;
    }
    if (pv.event_callback.address == 0 || !has_deliverable_event(vcpu)) return true;
    return gets_a_moment(vcpu) || deliver_callback(vcpu, pv.event_callback.address, true);
}

}  // namespace hospes
