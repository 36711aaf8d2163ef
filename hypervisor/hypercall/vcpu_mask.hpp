// SPDX-License-Identifier: Apache-2.0
// From the vcpus a guest names to the pcpus that have to act.
#pragma once

#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {

// The pcpus that run a vcpu of `domain` now. One that is switched in later starts with a flush.
PcpuMask pcpus_of_domain(Domain const& domain);
// The same for the vcpus in a guest's bitmap of kMaxVcpus bits; bits of vcpus that do not exist are ignored. Errno::fault.
Result<PcpuMask> pcpus_of_vcpu_bitmap(Domain const& domain, GuestAddress bitmap);

}  // namespace hospes
