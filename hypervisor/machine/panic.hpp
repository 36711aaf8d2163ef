// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/base/assert.hpp"
#include "hypervisor/x86/guest_regs.hpp"

namespace hospes {

// Prints `what`, the core's registers and a back trace, and stops the machine.
[[noreturn]] void panic_with_registers(GuestRegs const& regs, char const* what);
// Resets the machine, by the chip set's register or the last resort, a triple fault.
[[noreturn]] void reset_machine();

}  // namespace hospes
