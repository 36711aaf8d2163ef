// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/virq.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/domain/domain_list.hpp"

namespace hospes {

namespace {

constexpr std::array<VirqScope, kPerVcpuVirqs> make_scopes() {
    std::array<VirqScope, kPerVcpuVirqs> scopes{};
    for (int const virq : {VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF, VIRQ_XENPMU}) scopes[static_cast<usize>(virq)] = VirqScope::vcpu;
    for (int const virq : {VIRQ_CONSOLE, VIRQ_DOM_EXC, VIRQ_TBUF, VIRQ_DEBUGGER, VIRQ_CON_RING, VIRQ_PCPU_STATE, VIRQ_MEM_EVENT,
                                VIRQ_ENOMEM, VIRQ_ARCH_0})
        scopes[static_cast<usize>(virq)] = VirqScope::control_domain;
    scopes[VIRQ_ARGO] = VirqScope::domain;
    return scopes;
}

constexpr std::array<VirqScope, kPerVcpuVirqs> kScopes = make_scopes();
static_assert(kPerVcpuVirqs == NR_VIRQS);

}  // namespace

VirqScope scope_of(Virq virq) { return virq.raw() < kScopes.size() ? kScopes[masked_index(virq.raw(), kScopes.size())] : VirqScope::unknown; }

// Without the event lock: at worst the port has just been closed, and whoever gets it next sees a spurious event.
void send_vcpu_virq(Vcpu& vcpu, Virq virq) {
    EventPort port;
    __atomic_load(&vcpu.virq_ports[virq.raw()], &port, __ATOMIC_ACQUIRE);
    if (port != EventPort{}) vcpu.domain().events.raise(port);
}

// The port of a domain-wide virq is kept with vcpu 0, wherever it is delivered.
void send_virq(Domain& domain, Virq virq) {
    if (Vcpu* const first = domain.vcpu(VcpuId{0}); first != nullptr) send_vcpu_virq(*first, virq);
}

void send_global_virq(System& system, Virq virq) {
    Result<Domain*> const control = system.domains.find(kDomIdDom0);
    if (control.ok()) send_virq(*control.value(), virq);
}

}  // namespace hospes
