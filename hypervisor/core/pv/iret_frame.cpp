// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/iret_frame.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/pv/crash.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/x86/exceptions.hpp"

namespace hospes {

void apply_iret_frame(Vcpu& vcpu, iret_context const& frame) {
    constexpr u64 kRpl = 3;
    bool const to_user = (frame.cs & kRpl) == kRpl;
    if (!enter_guest_mode(vcpu, !to_user)) {
        crash_guest(vcpu, "iret to user mode without a user page table (MMUEXT_NEW_USER_BASEPTR)");
        return;
    }
    GuestRegs& regs = vcpu.regs;
    bool const in_syscall = (frame.flags & VGCF_IN_SYSCALL) != 0;
    regs.rax = frame.rax;
    regs.rip = frame.rip;
    regs.rsp = frame.rsp;
    regs.rflags = (frame.rflags & kGuestRflags) | kRflagsIf | kRflagsFixed;
    if (in_syscall) [[unlikely]] {
        regs.cs = kGuestCs64;
        regs.ss = kGuestSs;
        regs.rcx = frame.rip;  // as SYSRET leaves them: a handler that is entered first hands them on
        regs.r11 = regs.rflags;
        regs.vector = kEntrySyscall;
    } else {
        regs.cs = (frame.cs & 0xffff) | kRpl;
        regs.ss = (frame.ss & 0xffff) | kRpl;
        regs.rcx = frame.rcx;
        regs.r11 = frame.r11;
        regs.vector = kEntryNone;
    }
    if ((frame.rflags & kRflagsIf) == 0) {
        mask_events(vcpu);
        return;
    }
    if (unmask_events(vcpu)) [[unlikely]]
        ++vcpu.pv.returns_interrupted;
    else
        vcpu.pv.returns_interrupted = 0;
}

}  // namespace hospes
