// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

// Makes pcpu leave the guest or its idle loop and look at its scheduler and the current vcpu's events.
// On the calling pcpu this only sets the flag that the way back to the guest checks.
void kick_pcpu(PcpuId pcpu);

}  // namespace hospes
