// SPDX-License-Identifier: Apache-2.0
// Processors that leave the running machine and come back to it.
#pragma once

#include "hypervisor/ports/ipi.hpp"

namespace hospes {

struct PcpuFacts {
    bool is_online;
    ApicId apic_id;
    u32 acpi_id;
};

// Those that have been started: numbers from 0 on. Offline ones count.
u32 known_pcpus();
PcpuFacts facts_of(PcpuId pcpu);

// `pcpu`, which gets no vcpus any more, goes offline as soon as it runs none; it holds nothing of any vcpu then.
void ask_to_park(PcpuId pcpu);
// It comes back online, and adds itself to the scheduler.
void ask_to_return(PcpuId pcpu);

}  // namespace hospes
