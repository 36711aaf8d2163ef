// SPDX-License-Identifier: Apache-2.0
// Bounce frames: how a PV guest's kernel is entered at one of its handlers. The interrupted state goes onto its stack as an interrupt
// gate would put it, with RCX and R11 below (the guest pops them), and the vcpu continues at the handler, in kernel mode.
// All of these act on the current vcpu. A stack that cannot be written stops the domain: there is nobody left to tell.
#pragma once

#include "hypervisor/base/types.hpp"

#include <array>

namespace hospes {

class Vcpu;

// Delivers exception `vector` through the guest's trap table, with `error_code` if the vector has one.
// Without a handler the domain is stopped, with a dump.
void deliver_exception(Vcpu& vcpu, u8 vector, u32 error_code);

// The same for INT n, which has no error code whatever its vector (SDM vol. 3, 6.13), and for which there is a handler.
void deliver_software_interrupt(Vcpu& vcpu, u8 vector);

// A page fault at `address`, which vcpu_info tells; whether the guest's kernel or its user mode raised it is put into `error_code` here.
void deliver_page_fault(Vcpu& vcpu, u64 address, u32 error_code);

// The system-call callback. Without one the instruction does not exist (#UD).
void deliver_syscall_callback(Vcpu& vcpu);

// The failsafe callback: a guest selector (in the order DS ES FS GS) could no longer be loaded.
void deliver_failsafe(Vcpu& vcpu, std::array<u16, 4> const& selectors);

// Before the return to the guest: the upcall, if an event is deliverable. False when the domain was stopped over it.
[[nodiscard]] bool deliver_pending_events(Vcpu& vcpu);
// The same when one is (has_deliverable_event).
[[nodiscard]] bool deliver_upcall(Vcpu& vcpu);

}  // namespace hospes
