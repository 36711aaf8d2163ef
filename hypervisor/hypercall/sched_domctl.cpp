// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/sched_domctl.hpp"

#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/hypercall/cpu_map.hpp"

namespace hospes {
namespace {

// FORCE undoes a pinning by SCHEDOP_pin_override, which we do not have.
constexpr u32 kAffinityFlags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_FORCE;

Result<Vcpu*> named_vcpu(Domain& domain, xen_domctl_vcpuaffinity const& op) {
    Vcpu* const vcpu = domain.vcpu(VcpuId{op.vcpu});
    if (vcpu == nullptr || (op.flags & ~kAffinityFlags) != 0) return Errno::invalid;
    return vcpu;
}

}  // namespace

Status adjust_scheduling(Domain& domain, xen_domctl_scheduler_op& op) {
    if (op.sched_id != XEN_SCHEDULER_CREDIT2) return Errno::invalid;
    Scheduler& scheduler = domain.system().scheduler;
    auto& parameters = op.u.credit2;
    switch (op.cmd) {
        case XEN_DOMCTL_SCHEDOP_putinfo:
            if (parameters.weight != 0) scheduler.set_weight(domain, parameters.weight);
            if (parameters.cap != domain.share.cap()) scheduler.set_cap(domain, parameters.cap);
            return {};
        case XEN_DOMCTL_SCHEDOP_getinfo:
            parameters.weight = static_cast<u16>(domain.share.weight.load(std::memory_order_relaxed));
            parameters.cap = static_cast<u16>(domain.share.cap());
            return {};
        default: return Errno::invalid;
    }
}

Status set_vcpu_affinity(Domain& domain, xen_domctl_vcpuaffinity const& op) {
    Vcpu& vcpu = *HV_TRY(named_vcpu(domain, op));
    Scheduler& scheduler = domain.system().scheduler;
    PcpuMask const online = online_pcpus();
    bool const sets_hard = (op.flags & XEN_VCPUAFFINITY_HARD) != 0;
    bool const sets_soft = (op.flags & XEN_VCPUAFFINITY_SOFT) != 0;
    PcpuMask const hard = sets_hard ? HV_TRY(read_cpu_map(op.cpumap_hard)) : vcpu.sched.hard_affinity;
    PcpuMask const soft = sets_soft ? HV_TRY(read_cpu_map(op.cpumap_soft)) : vcpu.sched.soft_affinity;
    if (sets_hard && (hard & online) == 0) return Errno::invalid;
    // The answers first: what fails changes nothing.
    if (sets_hard) HV_TRY(write_cpu_map(op.cpumap_hard, hard & online));
    if (sets_soft) HV_TRY(write_cpu_map(op.cpumap_soft, soft & hard & online));
    if (sets_hard || sets_soft) scheduler.set_affinity(vcpu, hard, soft);
    return {};
}

Status get_vcpu_affinity(Domain& domain, xen_domctl_vcpuaffinity const& op) {
    Vcpu const& vcpu = *HV_TRY(named_vcpu(domain, op));
    if ((op.flags & XEN_VCPUAFFINITY_HARD) != 0) HV_TRY(write_cpu_map(op.cpumap_hard, vcpu.sched.hard_affinity));
    if ((op.flags & XEN_VCPUAFFINITY_SOFT) != 0) HV_TRY(write_cpu_map(op.cpumap_soft, vcpu.sched.soft_affinity));
    return {};
}

}  // namespace hospes
