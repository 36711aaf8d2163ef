// SPDX-License-Identifier: Apache-2.0
// The ends of the whole machine.
#pragma once

namespace hospes {

[[noreturn]] void power_off();
[[noreturn]] void restart_machine();
// dom0 has crashed: says so and restarts the machine, or stops there with option `noreboot`.
[[noreturn]] void dom0_crashed();

}  // namespace hospes
