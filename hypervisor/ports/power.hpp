// SPDX-License-Identifier: Apache-2.0
// The ends of the whole machine.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

[[noreturn]] void power_off();
// With the values for ACPI's PM1 control registers that dom0's interpreter has found.
[[noreturn]] void power_off_by(u16 pm1a_value, u16 pm1b_value);
[[noreturn]] void restart_machine();
// dom0 has crashed: says so and restarts the machine, or stops there with option `noreboot`.
[[noreturn]] void dom0_crashed();

}  // namespace hospes
