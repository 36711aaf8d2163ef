// SPDX-License-Identifier: Apache-2.0
// What becomes of an exception that a guest raised: done for it, or delivered to its handler.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

class Vcpu;

struct Fault {
    u8 vector = 0;
    u32 error_code = 0;
    u64 cr2 = 0;  // of a page fault
    u64 dr6 = 0;  // of a debug exception
};

void handle_exception(Vcpu& vcpu, Fault const& fault);

// INT n that came through a gate of the core's own; RIP is behind the instruction.
void handle_software_interrupt(Vcpu& vcpu, u8 vector);

// The guest came from virtual-8086 mode, of which the PV ABI knows nothing: it gets the #GP that its IRET should have raised.
void handle_virtual_8086(Vcpu& vcpu);

// IRETQ faulted on what the vcpu was to return to: the fault becomes the guest's, raised in that state.
void handle_return_fault(Vcpu& vcpu, Fault const& fault);

}  // namespace hospes
