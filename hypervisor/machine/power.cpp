// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/ports/power.hpp"

#include "hypervisor/core/command_line.hpp"
#include "hypervisor/machine/acpi.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/log.hpp"

namespace hospes {
namespace {

[[noreturn]] void halt() {
    for (;;) asm volatile("cli; hlt");
}

}  // namespace

void power_off_by(u16 pm1a_value, u16 pm1b_value) {
    if (acpi_facts.pm1a_control != 0) port_out(acpi_facts.pm1a_control, 2, pm1a_value);
    if (acpi_facts.pm1b_control != 0) port_out(acpi_facts.pm1b_control, 2, pm1b_value);
    HV_INFO("the machine can be switched off now");
    halt();
}

void power_off() {
    constexpr u16 kSleepEnable = 1u << 13;
    constexpr unsigned kSleepTypeShift = 10;
    if (!acpi_facts.has_soft_off) {
        HV_INFO("the machine can be switched off now");
        halt();
    }
    power_off_by(static_cast<u16>(acpi_facts.soft_off_a << kSleepTypeShift | kSleepEnable),
                 static_cast<u16>(acpi_facts.soft_off_b << kSleepTypeShift | kSleepEnable));
}

void restart_machine() {
    if (acpi_facts.reset_port != 0) port_out(acpi_facts.reset_port, 1, acpi_facts.reset_value);
    constexpr u16 kResetControl = 0xcf9, kKeyboardController = 0x64;
    port_out(kResetControl, 1, 0x06);        // chipset: full reset
    port_out(kKeyboardController, 1, 0xfe);  // pulse the reset line
    halt();
}

void dom0_crashed() {
    HV_ERROR("dom0 has crashed: nothing can run without it");
    if (has_option("noreboot")) {
        HV_INFO("option noreboot: stopped here");
        halt();
    }
    restart_machine();
}

}  // namespace hospes
