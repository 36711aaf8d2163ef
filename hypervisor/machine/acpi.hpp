// SPDX-License-Identifier: Apache-2.0
// What ACPI's static tables say of the machine, as far as the core has to know.
#pragma once

#include "hypervisor/base/strong.hpp"

#include <array>

namespace hospes {

struct ProcessorFact {
    ApicId id;
    u32 acpi_id = 0;  // what ACPI's own tables call it
};

struct IoApicFact {
    MachineAddress address;
    u32 gsi_base = 0;
};

struct InterruptOverride {
    u32 irq = 0;  // ISA
    Gsi gsi{};
    bool is_level = false;
    bool is_active_low = false;
};

struct AcpiFacts {
    std::array<ProcessorFact, 64> processors{};  // those that firmware has enabled
    u32 processor_count = 0;
    std::array<IoApicFact, 8> io_apics{};
    u32 io_apic_count = 0;
    std::array<InterruptOverride, 16> overrides{};
    u32 override_count = 0;
    MachineAddress mmcfg{};  // configuration space of segment 0; 0: none
    u8 mmcfg_first_bus = 0, mmcfg_last_bus = 0;
    u16 pm1a_control = 0, pm1b_control = 0;  // ports; 0: none
    u16 soft_off_a = 0, soft_off_b = 0;      // sleep types of S5
    bool has_soft_off = false;
    u16 reset_port = 0;  // 0: none
    u8 reset_value = 0;
};

extern constinit AcpiFacts acpi_facts;

// Fills acpi_facts from the tables below `rsdp` (0: no ACPI, everything stays empty).
void read_acpi(MachineAddress rsdp);

}  // namespace hospes
