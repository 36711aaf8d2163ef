// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/hot_plug.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/machine/context_switch.hpp"
#include "hypervisor/machine/exit_hooks.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/machine/vectors.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/processors.hpp"

namespace hospes {

// Nothing of a vcpu is left here, so nobody waits for us any more. What is asked of a pcpu on its way out is served or void: it uses no
// translation of a guest's until it has flushed them all.
void park(Pcpu& pcpu) {
    bool const is_unloaded = unload_idle_vcpu(pcpu);
    HV_ASSERT(is_unloaded);
    program_timer(Nanoseconds::never());
    pcpu.is_online.store(false);
    while (pcpu.is_to_park.load()) halt_with_interrupts();
    pcpu.is_online.store(true);
    on_pcpu_online();
}

u32 known_pcpus() { return pcpu_count; }

PcpuFacts facts_of(PcpuId pcpu) {
    Pcpu const& facts = pcpus[pcpu.raw()];
    return {facts.is_online.load(), facts.apic_id, facts.acpi_id};
}

void ask_to_park(PcpuId pcpu) {
    if (!pcpus[pcpu.raw()].is_to_park.exchange(true)) kick_pcpu(pcpu);
}

void ask_to_return(PcpuId pcpu) {
    if (pcpus[pcpu.raw()].is_to_park.exchange(false)) send_ipi(pcpus[pcpu.raw()].apic_id, kKickVector);
}

}  // namespace hospes
