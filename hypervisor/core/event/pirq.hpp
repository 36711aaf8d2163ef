// SPDX-License-Identifier: Apache-2.0
// What event channels ask of whoever routes physical interrupts. Link-time seam: machine/ on the machine, tests/support on the host.
// Called with the domain's event lock held; a lock of the implementation has rank `pirq`.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

class Domain;

// From now on each interrupt of `pirq` makes `port` of `domain` pending, by EventChannels::raise(). Errno::invalid: no such pirq, or not
// this domain's; Errno::exists: the domain has bound it already; Errno::busy: another has, and one of the two will not share.
Status bind_pirq(Domain& domain, Pirq pirq, EventPort port, bool will_share);
// Ends that; an interrupt in service is ended as well.
void unbind_pirq(Domain& domain, Pirq pirq);
// PHYSDEVOP_eoi: the domain has served the interrupt. Errno::invalid: not bound by this domain.
Status end_pirq(Domain& domain, Pirq pirq);

}  // namespace hospes
