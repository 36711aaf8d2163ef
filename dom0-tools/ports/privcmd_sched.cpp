// SPDX-License-Identifier: Apache-2.0
// LinuxPrivcmd's domctls and sysctls about vcpus, scheduling and processors.
#include "dom0-tools/ports/privcmd_linux.hpp"

#include <algorithm>

namespace hospes {

// A map of all processors that there can be, in the buffer.
std::span<std::uint64_t> LinuxPrivcmd::take_map(xenctl_bitmap& map, CpuSet cpus) {
    auto const word = buffer_.take<std::uint64_t>(1);
    word[0] = cpus.bits();
    map.bitmap.p = reinterpret_cast<std::uint8_t*>(word.data());
    map.nr_bits = CpuSet::kMost;
    return word;
}

Result<VcpuInfo> LinuxPrivcmd::vcpu_info(DomId domain, VcpuId vcpu) {
    auto& request = new_domctl(XEN_DOMCTL_getvcpuinfo, domain);
    auto& info = request.u.getvcpuinfo;
    info.vcpu = vcpu.raw();
    HV_TRY(domctl("getvcpuinfo", request));
    return VcpuInfo{.is_online = info.online != 0,
                    .is_blocked = info.blocked != 0,
                    .is_running = info.running != 0,
                    .cpu_time_ns = info.cpu_time,
                    .cpu = info.cpu};
}

Result<Affinity> LinuxPrivcmd::affinity(DomId domain, VcpuId vcpu) {
    auto& request = new_domctl(XEN_DOMCTL_getvcpuaffinity, domain);
    request.u.vcpuaffinity.vcpu = vcpu.raw();
    request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    auto const hard = take_map(request.u.vcpuaffinity.cpumap_hard, {});
    auto const soft = take_map(request.u.vcpuaffinity.cpumap_soft, {});
    HV_TRY(domctl("getvcpuaffinity", request));
    return Affinity{CpuSet{hard[0]}, CpuSet{soft[0]}};
}

Result<Affinity> LinuxPrivcmd::set_affinity(DomId domain, VcpuId vcpu, std::optional<CpuSet> hard, std::optional<CpuSet> soft) {
    auto& request = new_domctl(XEN_DOMCTL_setvcpuaffinity, domain);
    request.u.vcpuaffinity.vcpu = vcpu.raw();
    request.u.vcpuaffinity.flags = (hard ? XEN_VCPUAFFINITY_HARD : 0) | (soft ? XEN_VCPUAFFINITY_SOFT : 0);
    auto const hard_map = take_map(request.u.vcpuaffinity.cpumap_hard, hard.value_or(CpuSet{}));
    auto const soft_map = take_map(request.u.vcpuaffinity.cpumap_soft, soft.value_or(CpuSet{}));
    HV_TRY(domctl("setvcpuaffinity", request));
    return Affinity{CpuSet{hard_map[0]}, CpuSet{soft_map[0]}};
}

Result<SchedShare> LinuxPrivcmd::sched_share(DomId domain) {
    auto& request = new_domctl(XEN_DOMCTL_scheduler_op, domain);
    request.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    request.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    HV_TRY(domctl("scheduler_op", request));
    auto const& parameters = request.u.scheduler_op.u.credit2;
    return SchedShare{.weight = parameters.weight, .cap = parameters.cap};
}

Status LinuxPrivcmd::set_sched_share(DomId domain, SchedShare share) {
    auto& request = new_domctl(XEN_DOMCTL_scheduler_op, domain);
    request.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    request.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    request.u.scheduler_op.u.credit2 = {static_cast<std::uint16_t>(share.weight), static_cast<std::uint16_t>(share.cap)};
    return domctl("scheduler_op", request);
}

Result<std::vector<Processor>> LinuxPrivcmd::processors() {
    auto& request = new_sysctl(XEN_SYSCTL_cputopoinfo);
    auto const places = buffer_.take<xen_sysctl_cputopo>(CpuSet::kMost);
    request.u.cputopoinfo.num_cpus = CpuSet::kMost;
    request.u.cputopoinfo.cputopo.p = places.data();
    HV_TRY(sysctl("cputopoinfo", request));
    std::vector<Processor> all;
    for (auto const& place : places.first(std::min(request.u.cputopoinfo.num_cpus, CpuSet::kMost))) {
        all.push_back({.socket = place.socket, .core = place.core});
    }
    return all;
}

Result<CpuSet> LinuxPrivcmd::online_processors() {
    auto& request = new_sysctl(XEN_SYSCTL_cpupool_op);
    request.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    auto const map = take_map(request.u.cpupool_op.cpumap, {});
    HV_TRY(sysctl("cpupool_op", request));
    return CpuSet{map[0]};
}

}  // namespace hospes
