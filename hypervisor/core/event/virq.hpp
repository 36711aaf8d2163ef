// SPDX-License-Identifier: Apache-2.0
// Virtual interrupts (VIRQ_* of xen/xen.h): what the core has to say to a domain.
#pragma once

#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

class Domain;
class Vcpu;

// Who may bind a virq, and how often: once a vcpu, once a domain, or once and only by the control domain.
enum class VirqScope : u8 { unknown, vcpu, domain, control_domain };
VirqScope scope_of(Virq virq);

// All three: nothing happens when the virq is not bound. They take no event lock, but the scheduler's: callable with locks of rank below
// `sched` held, and from interrupts.
void send_vcpu_virq(Vcpu& vcpu, Virq virq);
void send_virq(Domain& domain, Virq virq);          // one with scope `domain` or `control_domain`
void send_global_virq(System& system, Virq virq);   // to the control domain

}  // namespace hospes
