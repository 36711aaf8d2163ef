// SPDX-License-Identifier: Apache-2.0
// What a toolstack says about the scheduling of a domain, and asks.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

// XEN_DOMCTL_scheduler_op: weight and cap as those of Xen's credit2. A weight of 0 leaves it as it is.
// Errno::invalid: another scheduler, or an operation it does not have (parameters of single vcpus).
Status adjust_scheduling(Domain& domain, xen_domctl_scheduler_op& op);

// XEN_DOMCTL_setvcpuaffinity and getvcpuaffinity. Setting tells what is effective: the pcpus that are online; a soft affinity also within
// the hard one. Errno::invalid: no such vcpu, or no online pcpu in a hard affinity; nothing is changed then. Errno::fault.
Status set_vcpu_affinity(Domain& domain, xen_domctl_vcpuaffinity const& op);
Status get_vcpu_affinity(Domain& domain, xen_domctl_vcpuaffinity const& op);

}  // namespace hospes
