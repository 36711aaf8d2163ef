// SPDX-License-Identifier: Apache-2.0
// sysctl (35), interface version 0x15: facts about the machine and all domains.
#include "hypervisor/abi/hospes_sysctl.hpp"
#include "hypervisor/core/debug/check.hpp"
#include "hypervisor/core/debug/keys.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/hypercall/cpu_map.hpp"
#include "hypervisor/hypercall/domain_info.hpp"
#include "hypervisor/hypercall/hot_plug.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/hypercall/topology.hpp"
#include "hypervisor/ports/console.hpp"
#include "hypervisor/ports/guest_memory.hpp"

#include <algorithm>

namespace hospes {
namespace {

constexpr u32 kChunk = 512;

Status read_console(System&, xen_sysctl& request) {
    auto& op = request.u.readconsole;
    GuestAddress const buffer{reinterpret_cast<u64>(op.buffer.p)};
    char chunk[kChunk];
    u32 done = 0;
    u32 index = op.index;
    bool incremental = op.incremental != 0;
    while (done < op.count) {
        usize const size = log_ring_read(chunk, std::min(op.count - done, kChunk), incremental, index);
        if (size == 0) break;
        HV_TRY(copy_to_guest(buffer + done, chunk, size));
        done += static_cast<u32>(size);
        incremental = true;
    }
    op.count = done;
    op.index = index;
    if (op.clear != 0) log_ring_clear();
    return {};
}

Status physinfo(System& system, xen_sysctl& request) {
    auto& info = request.u.physinfo;
    info = {};
    describe_processors(info);
    info.capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    info.total_pages = system.heap.total_pages();
    info.free_pages = system.heap.free_pages();
    info.max_mfn = system.frames.limit() - 1;
    return {};
}

Status domain_info_list(System& system, xen_sysctl& request) {
    auto& op = request.u.getdomaininfolist;
    GuestHandle<xen_domctl_getdomaininfo> const buffer{reinterpret_cast<u64>(op.buffer.p)};
    u32 count = 0;
    Domain const* domain = system.domains.first_from(DomId{op.first_domain});
    while (domain != nullptr && count < op.max_domains) {
        HV_TRY(buffer.write(describe_domain(*domain), count));
        ++count;
        domain = system.domains.first_from(DomId{static_cast<u16>(domain->id().raw() + 1)});
    }
    op.num_domains = count;
    return {};
}

Status cpu_hotplug(System& system, xen_sysctl& request) {
    auto const& op = request.u.cpu_hotplug;
    switch (op.op) {
        case XEN_SYSCTL_CPU_HOTPLUG_ONLINE: return bring_pcpu_online(system, op.cpu);
        case XEN_SYSCTL_CPU_HOTPLUG_OFFLINE: return take_pcpu_offline(system, op.cpu);
        default: return Errno::not_supported;
    }
}

Status debug_keys(System& system, xen_sysctl& request) {
    auto const& op = request.u.debug_keys;
    constexpr u32 kMostKeys = 16;
    if (op.nr_keys > kMostKeys) return Errno::invalid;
    char keys[kMostKeys];
    HV_TRY(copy_from_guest(keys, GuestAddress{reinterpret_cast<u64>(op.keys.p)}, op.nr_keys));
    for (u32 i = 0; i < op.nr_keys; ++i) handle_debug_key(system, keys[i]);
    return {};
}

Status check(System& system, xen_sysctl& request) {
    HospesCheck check;
    __builtin_memcpy(&check, &request.u, sizeof check);
    Findings const found = HV_TRY(run_check_step(system, check.step));
    check = {.step = check.step, .steps = check_steps(system), .differences = found.differences, .frames = found.frames, .tables = found.tables,
             .references = found.references};
    __builtin_memcpy(&request.u, &check, sizeof check);
    return {};
}

Status scheduler_id(System&, xen_sysctl& request) {
    request.u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    return {};
}

// Who wakes up preempts at once if it is its turn: there is no rate to limit.
Status scheduler_op(System&, xen_sysctl& request) {
    auto& op = request.u.scheduler_op;
    if (op.cmd != XEN_SYSCTL_SCHEDOP_putinfo && op.cmd != XEN_SYSCTL_SCHEDOP_getinfo) return Errno::invalid;
    if (op.cpupool_id != 0) return Errno::no_such_domain;
    if (op.sched_id != XEN_SCHEDULER_CREDIT2) return Errno::invalid;
    u32& ratelimit = op.u.sched_credit2.ratelimit_us;
    if (op.cmd == XEN_SYSCTL_SCHEDOP_putinfo && ratelimit != 0) return Errno::not_supported;
    ratelimit = 0;
    return {};
}

// One pool has all pcpus and domains; there are no others. Asking for pool N means the first from N on.
Status cpupool_op(System& system, xen_sysctl& request) {
    auto& op = request.u.cpupool_op;
    if (op.op != XEN_SYSCTL_CPUPOOL_OP_INFO) return Errno::not_supported;
    if (op.cpupool_id != 0) return Errno::no_entry;
    HV_TRY(write_cpu_map(op.cpumap, online_pcpus()));
    op.sched_id = XEN_SCHEDULER_CREDIT2;
    op.n_dom = 0;
    for (Domain const* domain = system.domains.first_from(DomId{0}); domain != nullptr; ++op.n_dom)
        domain = system.domains.first_from(DomId{static_cast<u16>(domain->id().raw() + 1)});
    return {};
}

struct Row {
    u32 command;
    Status (*run)(System& system, xen_sysctl& request);
};

constexpr Row kOps[] = {
    {XEN_SYSCTL_readconsole, read_console},
    {XEN_SYSCTL_physinfo, physinfo},
    {XEN_SYSCTL_sched_id, scheduler_id},
    {XEN_SYSCTL_getdomaininfolist, domain_info_list},
    {XEN_SYSCTL_getcpuinfo, idle_times},
    {XEN_SYSCTL_cputopoinfo, cpu_topology},
    {XEN_SYSCTL_numainfo, numa_info},
    {XEN_SYSCTL_pcitopoinfo, pci_topology},
    {XEN_SYSCTL_cpupool_op, cpupool_op},
    {XEN_SYSCTL_scheduler_op, scheduler_op},
    {XEN_SYSCTL_cpu_hotplug, cpu_hotplug},
    {XEN_SYSCTL_debug_keys, debug_keys},
    {kHospesSysctlCheck, check},
};

}  // namespace

Outcome hypercall_sysctl(Vcpu& caller, HypercallArgs& args) {
    GuestHandle<xen_sysctl> const handle{args[0]};
    xen_sysctl request;
    HV_TRY(handle.read_into(request));
    if (request.interface_version != XEN_SYSCTL_INTERFACE_VERSION) return Errno::access;
    for (Row const& row : kOps) {
        if (row.command != request.cmd) continue;
        HV_TRY(row.run(caller.domain().system(), request));
        HV_TRY(handle.write(request));
        return 0;
    }
    return Errno::no_system_call;
}

}  // namespace hospes
