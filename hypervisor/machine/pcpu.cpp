// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/pcpu.hpp"

#include "hypervisor/base/assert.hpp"

namespace hospes {

constinit Pcpu pcpus[kMaxPcpus];
constinit u32 pcpu_count = 0;

PcpuId this_pcpu_id() { return this_pcpu().id; }

Vcpu& current_vcpu() {
    Vcpu* const vcpu = this_pcpu().loaded;
    HV_ASSERT(vcpu != nullptr);
    return *vcpu;
}

}  // namespace hospes
