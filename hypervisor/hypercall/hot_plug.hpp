// SPDX-License-Identifier: Apache-2.0
// Taking processors out of use and back, for sysctl (XEN_SYSCTL_cpu_hotplug) and platform_op (XENPF_cpu_online, XENPF_cpu_offline).
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

// Both: Errno::restart until it is done; Errno::invalid: no such processor. VIRQ_PCPU_STATE tells the control domain.
// Errno::busy: the first one stays, it has the devices' interrupts.
Status take_pcpu_offline(System& system, u32 pcpu);
Status bring_pcpu_online(System& system, u32 pcpu);

}  // namespace hospes
