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
constexpr usize kFrameWords = 7;
constexpr unsigned kSavedMaskShift = 32;  // cpu_user_regs.saved_upcall_mask: the byte above CS
constexpr u64 kFlagsClearedOnEntry = kRflagsAc | kRflagsVm | kRflagsRf | kRflagsNt | kRflagsTf;

// What lies between the interrupted state and RCX and R11, which the guest pops: an error code, or four selectors, or nothing.
template <usize kWords>
using Extra = std::array<u64, kWords>;

template <usize kExtraWords>
bool push_frame(GuestAddress top, GuestRegs const& regs, Extra<kExtraWords> const& extra, bool from_kernel, u64 events_were_masked) {
    u64 const selector_mask = from_kernel ? 0xfffc : 0xffff;  // the guest tells kernel from user by CS.RPL
    GuestStack stack{top, kFrameWords + kExtraWords};
    bool is_pushed = stack.is_in_range() && stack.push(regs.ss & 0xffff) && stack.push(regs.rsp) &&
                     stack.push(((regs.rflags & ~kRflagsIopl) | kRflagsIf) ^ events_were_masked * kRflagsIf) &&
                     stack.push((regs.cs & selector_mask) | events_were_masked << kSavedMaskShift) && stack.push(regs.rip);
    for (usize i = kExtraWords; i > 0; --i) is_pushed = is_pushed && stack.push(extra[i - 1]);
    return is_pushed && stack.push(regs.r11) && stack.push(regs.rcx);
}

bool crash_without_stack(Vcpu& vcpu) {
    crash_guest(vcpu, "its kernel stack cannot take a frame (stack_switch, or a stack overflow)");
    return false;
}

// Puts the frame onto the kernel's stack and continues at `handler`. False: the domain was stopped.
template <usize kExtraWords>
bool enter_handler(Vcpu& vcpu, Extra<kExtraWords> const& extra, u64 handler, bool events_were_masked) {
    GuestRegs& regs = vcpu.regs;
    bool const from_kernel = vcpu.pv.in_kernel;
    GuestAddress const top{(from_kernel ? regs.rsp : vcpu.pv.kernel_sp) & ~(kStackAlignment - 1)};
    if (!enter_guest_mode(vcpu, true)) return crash_without_stack(vcpu);
    if (!push_frame(top, regs, extra, from_kernel, events_were_masked)) return crash_without_stack(vcpu);
    regs.rip = handler;
    regs.cs = kGuestCs64;
    regs.ss = kGuestSs;
    regs.rsp = top.raw() - (kFrameWords + kExtraWords) * sizeof(u64);
    regs.rflags &= ~kFlagsClearedOnEntry;
    regs.vector = kEntrySyscall;  // the guest takes RCX and R11 from the frame
    return true;
}

// Masks events if the handler wants it so. Were they masked?
bool mask_for_handler(Vcpu& vcpu, bool masks_events) { return masks_events ? mask_events(vcpu) : are_events_masked(vcpu); }

bool deliver_callback(Vcpu& vcpu, u64 handler, bool masks_events) {
    return enter_handler<0>(vcpu, {}, handler, mask_for_handler(vcpu, masks_events));
}

[[gnu::noinline, gnu::flatten]] bool deliver_trap(Vcpu& vcpu, u8 vector, u32 error_code) {
    TrapHandler const& handler = vcpu.pv.traps[vector];
    if (handler.address == 0) {
        vcpu.regs.vector = vector;
        crash_guest(vcpu, "an exception without a handler in its trap table");
        return false;
    }
    if (!has_error_code(vector)) return deliver_callback(vcpu, handler.address, handler.masks_events);
    return enter_handler<1>(vcpu, {error_code}, handler.address, mask_for_handler(vcpu, handler.masks_events));
}

// A kernel whose upcall raises the next event for itself (Linux with PREEMPT_RT does, for RCU) would never get on with what it was
// interrupted in, as the upcalls follow each other at the iret hypercall. Now and then it gets a moment.
[[gnu::noinline]] void grant_a_moment(Vcpu& vcpu) {
    constexpr Nanoseconds kMoment{100'000};
    vcpu.pv.returns_interrupted = 0;
    set_poll_limit(vcpu, system_time() + kMoment);  // a vcpu that runs does not poll: this only makes the core look again
}

bool gets_a_moment(Vcpu& vcpu) {
    constexpr u32 kMaxReturnsInterrupted = 16;
    if (vcpu.pv.returns_interrupted < kMaxReturnsInterrupted) return false;
    grant_a_moment(vcpu);
    return true;
}

}  // namespace

void deliver_exception(Vcpu& vcpu, u8 vector, u32 error_code) { (void)deliver_trap(vcpu, vector, error_code); }

[[gnu::flatten]] void deliver_software_interrupt(Vcpu& vcpu, u8 vector) {
    TrapHandler const& handler = vcpu.pv.traps[vector];
    HV_ASSERT(handler.address != 0);
    (void)deliver_callback(vcpu, handler.address, handler.masks_events);
}

void deliver_page_fault(Vcpu& vcpu, u64 address, u32 error_code) {
    if (vcpu.info != nullptr) __atomic_store_n(&vcpu.info->arch.cr2, address, __ATOMIC_RELAXED);
    u32 const mode = vcpu.pv.in_kernel ? 0 : kPageFaultUser;  // to the processor both are user mode
    deliver_exception(vcpu, kVectorPageFault, (error_code & ~kPageFaultUser) | mode);
}

void deliver_syscall_callback(Vcpu& vcpu) {
    HV_ASSERT(!vcpu.pv.in_kernel);  // there it is a hypercall
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
    bool const events_were_masked = mask_for_handler(vcpu, callback.masks_events);
    (void)enter_handler<4>(vcpu, {selectors[0], selectors[1], selectors[2], selectors[3]}, callback.address, events_were_masked);
}

bool deliver_pending_events(Vcpu& vcpu) { return !has_deliverable_event(vcpu) || deliver_upcall(vcpu); }

[[gnu::flatten]] bool deliver_upcall(Vcpu& vcpu) {
    Callback const& callback = vcpu.pv.event_callback;
    if (callback.address == 0 || gets_a_moment(vcpu)) return true;
    mask_events(vcpu);  // they were not
    return enter_handler<0>(vcpu, {}, callback.address, false);
}

}  // namespace hospes
