// SPDX-License-Identifier: Apache-2.0
// What a toolstack asks about the processors.
#pragma once

#include "hypervisor/abi/xen.hpp"
#include "hypervisor/base/result.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

// The processors' part of XEN_SYSCTL_physinfo.
void describe_processors(xen_sysctl_physinfo& info);
// XEN_SYSCTL_cputopoinfo, numainfo (one node), getcpuinfo. Each fills as much as there is room for. Errno::fault.
Status cpu_topology(System& system, xen_sysctl& request);
Status numa_info(System& system, xen_sysctl& request);
// XEN_SYSCTL_pcitopoinfo: no device is known to us. Errno::invalid for a list that is missing, Errno::fault.
Status pci_topology(System& system, xen_sysctl& request);
Status idle_times(System& system, xen_sysctl& request);

}  // namespace hospes
