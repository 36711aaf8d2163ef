// SPDX-License-Identifier: Apache-2.0
// PCI configuration space through the memory-mapped window of ACPI's MCFG, which dom0's use of ports 0xcf8/0xcfc does not disturb;
// and the two capabilities by which functions signal interrupts (PCI 3.0, 6.8).
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/core/event/physical_irq.hpp"

namespace hospes {

struct MsiMessage {
    u64 address;
    u32 data;
};

// Writes the message into the function's MSI capability. dom0 sets the enable bit itself. Errno::invalid: no such capability.
Status write_msi(PciFunction function, MsiMessage const& message);

// One entry of a function's MSI-X table, mapped for good.
struct MsixEntry {
    u32 volatile* words = nullptr;  // address low, address high, data, vector control
};
Result<MsixEntry> find_msix_entry(PciFunction function, u32 index);
void write_msix(MsixEntry entry, MsiMessage const& message);
void mask_msix(MsixEntry entry);

}  // namespace hospes
