// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/vcpu_mask.hpp"

#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

PcpuMask pcpus_of(Domain const& domain, u64 vcpus) {
    PcpuMask mask = 0;
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        Vcpu const* const vcpu = domain.vcpus[i];
        if ((vcpus >> i & 1) == 0 || vcpu == nullptr) continue;
        u32 const holder = vcpu->sched.loaded_on.load();
        if (holder != kNoPcpu) mask |= PcpuMask{1} << holder;
    }
    return mask;
}

}  // namespace

PcpuMask pcpus_of_domain(Domain const& domain, u64 vcpus) { return pcpus_of(domain, vcpus); }

Result<u64> read_vcpu_bitmap(Domain const& domain, GuestAddress bitmap) {
    // A guest with few vcpus may end its page after the bytes it needs.
    usize const bytes = (domain.max_vcpus + 7) / 8;
    u64 vcpus = 0;
    HV_TRY(copy_from_guest(&vcpus, bitmap, bytes));
    return vcpus;
}

}  // namespace hospes
