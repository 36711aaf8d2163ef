// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/topology.hpp"

#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/hypercall/cpu_map.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/processors.hpp"

#include <algorithm>
#include <bit>

namespace hospes {
namespace {

constexpr u32 kTopologyLeaf = 0xb;
constexpr u32 kDistanceToItself = 10;
constexpr u32 kDevicesAtOnce = 64;

// How many low bits of an APIC id tell the threads of a core apart, and the threads of a socket (SDM, CPUID leaf 0BH). A processor
// without the leaf tells nothing: each is a socket of its own then.
struct ApicIdLayout {
    u32 thread_bits = 0;
    u32 socket_bits = 0;
};

ApicIdLayout apic_id_layout() {
    if (native_cpuid(0, 0).eax < kTopologyLeaf || native_cpuid(kTopologyLeaf, 0).ebx == 0) return {};
    return {native_cpuid(kTopologyLeaf, 0).eax & 31, native_cpuid(kTopologyLeaf, 1).eax & 31};
}

xen_sysctl_cputopo place_of(PcpuId pcpu, ApicIdLayout layout) {
    u32 const apic_id = facts_of(pcpu).apic_id.raw();
    u32 const in_socket = apic_id & ((1u << layout.socket_bits) - 1);
    return {.core = in_socket >> layout.thread_bits, .socket = apic_id >> layout.socket_bits, .node = 0};
}

}  // namespace

void describe_processors(xen_sysctl_physinfo& info) {
    ApicIdLayout const layout = apic_id_layout();
    xen_sysctl_cputopo const first = place_of(PcpuId{0}, layout);
    u32 in_socket = 0;
    for (u32 i = 0; i < known_pcpus(); ++i) {
        xen_sysctl_cputopo const place = place_of(PcpuId{i}, layout);
        if (place.socket != first.socket) continue;
        ++in_socket;
        if (place.core == first.core) ++info.threads_per_core;
    }
    info.cores_per_socket = in_socket / info.threads_per_core;
    info.nr_cpus = static_cast<u32>(std::popcount(online_pcpus()));
    info.max_cpu_id = known_pcpus() - 1;
    info.nr_nodes = 1;
    info.cpu_khz = tsc_scale().tsc_khz;
}

Status cpu_topology(System&, xen_sysctl& request) {
    auto& op = request.u.cputopoinfo;
    GuestHandle<xen_sysctl_cputopo> const places{reinterpret_cast<u64>(op.cputopo.p)};
    ApicIdLayout const layout = apic_id_layout();
    u32 const count = places.is_null() ? known_pcpus() : std::min(op.num_cpus, known_pcpus());
    for (u32 i = 0; !places.is_null() && i < count; ++i) HV_TRY(places.write(place_of(PcpuId{i}, layout), i));
    op.num_cpus = count;
    return {};
}

Status numa_info(System& system, xen_sysctl& request) {
    auto& op = request.u.numainfo;
    GuestHandle<xen_sysctl_meminfo> const memory{reinterpret_cast<u64>(op.meminfo.p)};
    GuestHandle<u32> const distance{reinterpret_cast<u64>(op.distance.p)};
    bool const has_room = op.num_nodes != 0;
    xen_sysctl_meminfo const node{system.heap.total_pages() << kPageShift, system.heap.free_pages() << kPageShift};
    if (has_room && !memory.is_null()) HV_TRY(memory.write(node));
    if (has_room && !distance.is_null()) HV_TRY(distance.write(kDistanceToItself));
    op.num_nodes = has_room || (memory.is_null() && distance.is_null()) ? 1 : 0;
    return {};
}

// dom0 enumerates PCI, the core does not. What one call leaves undone is for the next: the caller goes on behind the count.
Status pci_topology(System&, xen_sysctl& request) {
    auto& op = request.u.pcitopoinfo;
    GuestHandle<u32> const nodes{reinterpret_cast<u64>(op.nodes.p)};
    if (op.devs.p == nullptr || nodes.is_null()) return Errno::invalid;
    op.num_devs = std::min(op.num_devs, kDevicesAtOnce);
    for (u32 i = 0; i < op.num_devs; ++i) HV_TRY(nodes.write(XEN_INVALID_DEV, i));
    return {};
}

Status idle_times(System& system, xen_sysctl& request) {
    auto& op = request.u.getcpuinfo;
    GuestHandle<xen_sysctl_cpuinfo> const times{reinterpret_cast<u64>(op.info.p)};
    Nanoseconds const now = system_time();
    u32 const count = std::min(op.max_cpus, known_pcpus());
    for (u32 i = 0; i < count; ++i) HV_TRY(times.write({system.scheduler.idle_time(PcpuId{i}, now).raw()}, i));
    op.nr_cpus = count;
    return {};
}

}  // namespace hospes
