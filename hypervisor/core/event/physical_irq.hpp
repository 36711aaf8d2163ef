// SPDX-License-Identifier: Apache-2.0
// Physical interrupts as the hardware domain manages them (physdev_op). Their delivery to event channels: core/event/pirq.hpp.
// Link-time seam: machine/pirq.cpp on the machine, tests/support on the host.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

class Domain;

// A PCI function of segment 0.
struct PciFunction {
    u8 bus = 0;
    u8 devfn = 0;
};

// The pirq of a GSI: the same number. Errno::invalid: no such GSI.
Result<Pirq> map_gsi(Domain& domain, Gsi gsi);
// Trigger mode and polarity of a GSI, as dom0 knows them from its ACPI interpreter. Errno::exists: set up already.
Status set_up_gsi(Domain& domain, Gsi gsi, bool is_level, bool is_active_low);
// A new pirq for a message-signalled interrupt; its message is written into the function. Errno::no_space: no vector or pirq left;
// Errno::invalid: no such function, capability or entry.
Result<Pirq> map_msi(Domain& domain, PciFunction function);
Result<Pirq> map_msix(Domain& domain, PciFunction function, u32 entry);
Status unmap_pirq(Domain& domain, Pirq pirq);

// Does the domain have to say PHYSDEVOP_eoi after each interrupt?
Result<bool> pirq_needs_eoi(Domain& domain, Pirq pirq);

// A register of the I/O interrupt controller at machine address `base`.
Result<u32> io_apic_register(MachineAddress base, u32 index);

}  // namespace hospes
