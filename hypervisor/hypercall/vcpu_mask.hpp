// SPDX-License-Identifier: Apache-2.0
// From the vcpus a guest names to the pcpus that have to act.
#pragma once

#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {

// The pcpus that run one of the `vcpus` (a bit each) of `domain` now. One that is switched in later starts with a flush.
PcpuMask pcpus_of_domain(Domain const& domain, u64 vcpus = ~u64{0});
// A guest's bitmap of its vcpus. Errno::fault.
Result<u64> read_vcpu_bitmap(Domain const& domain, GuestAddress bitmap);

}  // namespace hospes
