// SPDX-License-Identifier: Apache-2.0
// Control and debug registers as a PV guest sees and sets them.
#pragma once

#include "hypervisor/base/result.hpp"

namespace hospes {

class Vcpu;

// CR0, CR2, CR3, CR4. Errno::invalid: no such register, or one a guest may not write.
Result<u64> read_control_register(Vcpu& vcpu, unsigned number);
// CR0: only TS counts. CR4: bits that are not the guest's are dropped silently.
Status write_control_register(Vcpu& vcpu, unsigned number, u64 value);

// fpu_taskswitch and CLTS.
void set_task_switched(Vcpu& vcpu, bool set);

// XCR0. Errno::invalid: not a set of components the core switches.
Status set_guest_xcr0(Vcpu& vcpu, u64 value);
bool is_valid_xcr0(u64 value);

// DR0 to DR3, DR6, DR7 (4 and 5 mean 6 and 7). Errno::perm: a breakpoint in the core's range, or one that would trap in it;
// Errno::invalid: no such register.
bool is_valid_dr7(u64 value);
Result<u64> read_debug_register(Vcpu& vcpu, unsigned number);
Status write_debug_register(Vcpu& vcpu, unsigned number, u64 value);

}  // namespace hospes
