// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/sched/scheduler.hpp"
#include "tests/support/hypervisor/fake_guest_cpu.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

// Six pcpus with APIC ids 0, 2 ... 10; the last one is offline.
struct Processors : Stage {
    Processors() {
        machine().online = {true, true, true, true, true, false};
        for (u32 pcpu = 1; pcpu < 5; ++pcpu) scheduler.add_pcpu(PcpuId{pcpu});
    }
    // The processor says how many bits of an APIC id name the thread, and how many the thread and core.
    void tell(u32 thread_bits, u32 socket_bits, u32 max_leaf = 0xd) {
        guest_cpu().cpuid = [=](u32 leaf, u32 subleaf) -> CpuidResult {
            if (leaf == 0) return {max_leaf, 0, 0, 0};
            if (leaf == 0xb) return {subleaf == 0 ? thread_bits : socket_bits, 1, 0, 0};
            return {};
        };
    }
    i64 topology(u32 count, u64 address) {
        return sysctl(XEN_SYSCTL_cputopoinfo, [&](auto& u) {
            u.cputopoinfo.num_cpus = count;
            u.cputopoinfo.cputopo.p = reinterpret_cast<xen_sysctl_cputopo*>(address);
        });
    }
    i64 nodes(u32 count, u64 memory, u64 distance) {
        return sysctl(XEN_SYSCTL_numainfo, [&](auto& u) {
            u.numainfo.num_nodes = count;
            u.numainfo.meminfo.p = reinterpret_cast<xen_sysctl_meminfo*>(memory);
            u.numainfo.distance.p = reinterpret_cast<u32*>(distance);
        });
    }
    i64 devices(u32 count, u64 list, u64 nodes) {
        return sysctl(XEN_SYSCTL_pcitopoinfo, [&](auto& u) {
            u.pcitopoinfo.num_devs = count;
            u.pcitopoinfo.devs.p = reinterpret_cast<physdev_pci_device*>(list);
            u.pcitopoinfo.nodes.p = reinterpret_cast<u32*>(nodes);
        });
    }
    i64 idle(u32 count, u64 address) {
        return sysctl(XEN_SYSCTL_getcpuinfo, [&](auto& u) {
            u.getcpuinfo.max_cpus = count;
            u.getcpuinfo.info.p = reinterpret_cast<xen_sysctl_cpuinfo*>(address);
        });
    }
    i64 adjust(u32 cmd, u32 ratelimit, u32 scheduler_id = XEN_SCHEDULER_CREDIT2, u32 pool = 0) {
        return sysctl(XEN_SYSCTL_scheduler_op, [&](auto& u) {
            u.scheduler_op.cmd = cmd;
            u.scheduler_op.sched_id = scheduler_id;
            u.scheduler_op.cpupool_id = pool;
            u.scheduler_op.u.sched_credit2.ratelimit_us = ratelimit;
        });
    }
    i64 pool(u32 op, u32 id, u64 map) {
        return sysctl(XEN_SYSCTL_cpupool_op, [&](auto& u) {
            u.cpupool_op.op = op;
            u.cpupool_op.cpupool_id = id;
            u.cpupool_op.cpumap = {{reinterpret_cast<u8*>(map)}, 64};
        });
    }
    xen_sysctl& answer() { return *last<xen_sysctl>(); }
};

}  // namespace

TEST_CASE("processors are told by socket and core", "[hypercall][sysctl][topology]") {
    Processors w;
    w.tell(2, 3);  // ids 0 2 | 4 6 || 8 10
    GuestArray<xen_sysctl_cputopo> places{8};
    CHECK(w.topology(8, places.address()) == 0);
    CHECK(w.answer().u.cputopoinfo.num_cpus == 6);
    u32 const expected[6][2]{{0, 0}, {0, 0}, {0, 1}, {0, 1}, {1, 0}, {1, 0}};
    for (u32 i = 0; i < 6; ++i) {
        CHECK(places[i].socket == expected[i][0]);
        CHECK(places[i].core == expected[i][1]);
        CHECK(places[i].node == 0);
    }
    CHECK(w.sysctl(XEN_SYSCTL_physinfo, [](auto&) {}) == 0);
    auto const& info = w.answer().u.physinfo;
    CHECK(info.threads_per_core == 2);
    CHECK(info.cores_per_socket == 2);
    CHECK(info.nr_cpus == 5);  // online
    CHECK(info.max_cpu_id == 5);
    CHECK(info.nr_nodes == 1);
    CHECK(info.max_node_id == 0);
}

TEST_CASE("a processor that does not tell its topology is a socket of its own", "[hypercall][sysctl][topology]") {
    Processors w;
    w.tell(1, 2, 0xa);
    GuestArray<xen_sysctl_cputopo> places{6};
    CHECK(w.topology(6, places.address()) == 0);
    CHECK(places[5].socket == 10);
    CHECK(places[5].core == 0);
    CHECK(w.sysctl(XEN_SYSCTL_physinfo, [](auto&) {}) == 0);
    CHECK(w.answer().u.physinfo.threads_per_core == 1);
    CHECK(w.answer().u.physinfo.cores_per_socket == 1);
    w.tell(31, 31);  // whatever it says
    CHECK(w.topology(6, places.address()) == 0);
}

TEST_CASE("the topology has a size, and parts of it are told", "[hypercall][sysctl][topology]") {
    Processors w;
    CHECK(w.topology(0, 0) == 0);
    CHECK(w.answer().u.cputopoinfo.num_cpus == 6);
    GuestArray<xen_sysctl_cputopo> places{2};
    CHECK(w.topology(2, places.address()) == 0);
    CHECK(w.answer().u.cputopoinfo.num_cpus == 2);
    CHECK(w.topology(0, places.address()) == 0);
    CHECK(w.answer().u.cputopoinfo.num_cpus == 0);
    CHECK_REFUSED(w, Errno::fault, w.topology(~0u, places.address()));
    CHECK_REFUSED(w, Errno::fault, w.topology(1, kNowhere));
}

TEST_CASE("all memory is in one node", "[hypercall][sysctl][topology]") {
    Processors w;
    GuestArray<xen_sysctl_meminfo> memory{2};
    GuestArray<u32> distance{4};
    CHECK(w.nodes(0, 0, 0) == 0);
    CHECK(w.answer().u.numainfo.num_nodes == 1);
    CHECK(w.nodes(2, memory.address(), distance.address()) == 0);
    CHECK(w.answer().u.numainfo.num_nodes == 1);
    CHECK(memory[0].memsize == w.heap.total_pages() * kPageSize);
    CHECK(memory[0].memfree == w.heap.free_pages() * kPageSize);
    CHECK(distance[0] == 10);
    CHECK(w.nodes(0, memory.address(), 0) == 0);
    CHECK(w.answer().u.numainfo.num_nodes == 0);
    CHECK(w.nodes(~0u, 0, distance.address()) == 0);
    CHECK_REFUSED(w, Errno::fault, w.nodes(1, kNowhere, 0));
    CHECK_REFUSED(w, Errno::fault, w.nodes(1, 0, kNowhere));
}

TEST_CASE("no device's node is known, and a long list is done in parts", "[hypercall][sysctl][topology]") {
    Processors w;
    GuestArray<physdev_pci_device> list{100};
    GuestArray<u32> nodes{100};
    CHECK(w.devices(3, list.address(), nodes.address()) == 0);
    CHECK(w.answer().u.pcitopoinfo.num_devs == 3);
    for (u32 i = 0; i < 3; ++i) CHECK(nodes[i] == XEN_INVALID_DEV);
    CHECK(nodes[3] == 0);
    CHECK(w.devices(100, list.address(), nodes.address()) == 0);
    u32 const done = w.answer().u.pcitopoinfo.num_devs;
    CHECK((done > 0 && done < 100));
    CHECK(nodes[done - 1] == XEN_INVALID_DEV);
    CHECK(nodes[done] == 0);
    CHECK(w.devices(0, list.address(), nodes.address()) == 0);
    CHECK_REFUSED(w, Errno::invalid, w.devices(1, 0, nodes.address()));
    CHECK_REFUSED(w, Errno::invalid, w.devices(1, list.address(), 0));
    CHECK_REFUSED(w, Errno::fault, w.devices(1, list.address(), kNowhere));
}

TEST_CASE("idle time is what a pcpu has not spent on vcpus", "[hypercall][sysctl][topology]") {
    Processors w;
    GuestArray<xen_sysctl_cpuinfo> times{6};
    Nanoseconds const ms = Nanoseconds::from_ms(1);
    w.scheduler.set_affinity(w.one.vcpu, 0b10, 0b10);
    for (Vcpu* const other : {&w.zero.vcpu, &w.two.vcpu, w.one.domain.vcpus[1]}) w.scheduler.block(*other);
    Vcpu* const on_first = w.scheduler.pick_next(PcpuId{0}, nullptr, Nanoseconds{});  // it is sent away
    REQUIRE(on_first == nullptr);
    REQUIRE(w.scheduler.pick_next(PcpuId{1}, nullptr, Nanoseconds::from_ms(3)) == &w.one.vcpu);  // 3 ms of nothing
    machine().now = Nanoseconds::from_ms(10);
    CHECK(w.idle(6, times.address()) == 0);
    CHECK(w.answer().u.getcpuinfo.nr_cpus == 6);
    CHECK(times[0].idletime == 10 * ms.raw());
    CHECK(times[1].idletime == 3 * ms.raw());
    w.scheduler.pause_domain(w.one.domain);
    CHECK(w.scheduler.pick_next(PcpuId{1}, &w.one.vcpu, machine().now) == nullptr);
    machine().now = Nanoseconds::from_ms(12);
    CHECK(w.scheduler.pick_next(PcpuId{1}, nullptr, machine().now) == nullptr);
    machine().now = Nanoseconds::from_ms(13);
    CHECK(w.idle(2, times.address()) == 0);
    CHECK(w.answer().u.getcpuinfo.nr_cpus == 2);
    CHECK(times[1].idletime == 6 * ms.raw());
    CHECK_REFUSED(w, Errno::fault, w.idle(~0u, kNowhere));
    CHECK(w.idle(0, kNowhere) == 0);
}

TEST_CASE("the scheduler is told as credit2, without a rate limit", "[hypercall][sysctl][sched]") {
    Processors w;
    CHECK(w.sysctl(XEN_SYSCTL_sched_id, [](auto&) {}) == 0);
    CHECK(w.answer().u.sched_id.sched_id == XEN_SCHEDULER_CREDIT2);
    CHECK(w.adjust(XEN_SYSCTL_SCHEDOP_getinfo, 1000) == 0);
    CHECK(w.answer().u.scheduler_op.u.sched_credit2.ratelimit_us == 0);
    CHECK(w.adjust(XEN_SYSCTL_SCHEDOP_putinfo, 0) == 0);
    CHECK_REFUSED(w, Errno::not_supported, w.adjust(XEN_SYSCTL_SCHEDOP_putinfo, 1000));
    CHECK_REFUSED(w, Errno::invalid, w.adjust(2, 0));
    CHECK_REFUSED(w, Errno::invalid, w.adjust(XEN_SYSCTL_SCHEDOP_getinfo, 0, XEN_SCHEDULER_RTDS));
    CHECK_REFUSED(w, Errno::no_such_domain, w.adjust(XEN_SYSCTL_SCHEDOP_getinfo, 0, XEN_SCHEDULER_CREDIT2, 1));
}

TEST_CASE("there is one pool of processors", "[hypercall][sysctl][sched]") {
    Processors w;
    GuestArray<u64> map;
    CHECK(w.pool(XEN_SYSCTL_CPUPOOL_OP_INFO, 0, map.address()) == 0);
    CHECK(*map == 0b11111);
    CHECK(w.answer().u.cpupool_op.n_dom == 3);
    CHECK(w.answer().u.cpupool_op.sched_id == XEN_SCHEDULER_CREDIT2);
    CHECK(w.answer().u.cpupool_op.cpupool_id == 0);
    CHECK_REFUSED(w, Errno::no_entry, w.pool(XEN_SYSCTL_CPUPOOL_OP_INFO, 1, map.address()));
    CHECK_REFUSED(w, Errno::fault, w.pool(XEN_SYSCTL_CPUPOOL_OP_INFO, 0, kNowhere));
    CHECK_REFUSED(w, Errno::not_supported, w.pool(XEN_SYSCTL_CPUPOOL_OP_CREATE, 0, map.address()));
}
