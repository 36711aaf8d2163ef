// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/firmware.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/time/guest_time.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "tests/support/hypervisor/fake_console.hpp"
#include "tests/support/hypervisor/fake_pirq.hpp"
#include "tests/support/hypervisor/grants.hpp"
#include "tests/unit/hypercall/faults/scenario.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

// A domctl of dom0 on domain `domid`; `fill` completes it.
template <typename Fill>
Call domctl(Scene& s, u32 command, u16 domid, Fill fill) {
    auto& op = s.arguments<xen_domctl>();
    *op = {};
    op->cmd = command;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    fill(op->u);
    return {s.zero.vcpu, __HYPERVISOR_domctl, {op.address()}};
}
Call domctl(Scene& s, u32 command, u16 domid) {
    return domctl(s, command, domid, [](auto&) {});
}

template <typename Fill>
Call sysctl(Scene& s, u32 command, Fill fill) {
    auto& op = s.arguments<xen_sysctl>();
    *op = {};
    op->cmd = command;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    fill(op->u);
    return {s.zero.vcpu, __HYPERVISOR_sysctl, {op.address()}};
}

template <typename Fill>
Call platform_op(Scene& s, u32 command, Fill fill) {
    auto& op = s.arguments<xen_platform_op_t>();
    *op = {};
    op->cmd = command;
    op->interface_version = XENPF_INTERFACE_VERSION;
    fill(op->u);
    return {s.zero.vcpu, __HYPERVISOR_platform_op, {op.address()}};
}

template <typename Op>
Call physdev_op(Scene& s, u64 command, Op const& op) {
    auto& argument = s.arguments<Op>();
    *argument = op;
    return {s.zero.vcpu, __HYPERVISOR_physdev_op, {command, argument.address()}};
}

Call create(Scene& s, unsigned vcpus) {
    return domctl(s, XEN_DOMCTL_createdomain, 7, [&](auto& u) {
        u.createdomain.max_vcpus = vcpus;
        u.createdomain.max_evtchn_port = 100;
        u.createdomain.max_grant_frames = 4;
        u.createdomain.max_maptrack_frames = -1;
        u.createdomain.grant_opts = 1;
    });
}

void pause_two(Scene& s) {
    s.two.domain.is_paused_by_control = true;
    s.scheduler.pause_domain(s.two.domain);
}

// Domain two has something of everything: ports with both others, a grant of domain one mapped, a GDT.
void entangle_two(Scene& s) {
    EventPort const remote = s.one.domain.events.make_unbound(s.one.domain.events.reserve().take(), DomId{2});
    REQUIRE(s.two.domain.events.bind_interdomain(s.two.domain.events.reserve().take(), s.one.domain, remote).ok());
    REQUIRE(s.two.domain.events.bind_virq(s.two.domain.events.reserve().take(), Virq{VIRQ_TIMER}, VcpuId{0}).ok());
    GrantMapResult const mapped =
        map_grant(s.two.vcpu, {s.two.space.entry(0).raw(), GNTMAP_host_map | GNTMAP_contains_pte, GrantRef{0}, DomId{1}});
    REQUIRE(mapped.status == GrantStatus::okay);
    REQUIRE(s.page_types.pin(s.two.pages[3], s.two.domain, PageType::l1_table).ok());
}

Call set_context(Scene& s, unsigned) {
    auto& context = s.arguments<vcpu_guest_context_t>();
    *context = {};
    context->flags = VGCF_IN_KERNEL | VGCF_online;
    context->user_regs.rip = 0xffff'ffff'8100'0000;
    context->ctrlreg[3] = s.two.space.l4.raw() << kPageShift;
    context->gdt_frames[0] = s.two.pages[0].raw();
    context->gdt_ents = 8;
    u64 const address = context.address();
    return domctl(s, XEN_DOMCTL_setvcpucontext, 2, [&](auto& u) { u.vcpucontext.ctxt.p = reinterpret_cast<vcpu_guest_context_t*>(address); });
}

Call get_context(Scene& s, unsigned) {
    u64 const address = s.arguments<vcpu_guest_context_t>().address();
    return domctl(s, XEN_DOMCTL_getvcpucontext, 2, [&](auto& u) { u.vcpucontext.ctxt.p = reinterpret_cast<vcpu_guest_context_t*>(address); });
}

Call set_affinity(Scene& s, unsigned) {
    auto& maps = s.arguments<u64>(2);
    maps[0] = maps[1] = 1;
    auto const map = [address = maps.address()](u64 index) { return xenctl_bitmap{{reinterpret_cast<u8*>(address + index * 8)}, 64}; };
    return domctl(s, XEN_DOMCTL_setvcpuaffinity, 2, [&](auto& u) {
        u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
        u.vcpuaffinity.cpumap_hard = map(0);
        u.vcpuaffinity.cpumap_soft = map(1);
    });
}

Call set_weight(Scene& s, unsigned) {
    return domctl(s, XEN_DOMCTL_scheduler_op, 2, [&](auto& u) {
        u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
        u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
        u.scheduler_op.u.credit2 = {512, 50};
    });
}

Call topology(Scene& s, unsigned) {
    u64 const address = s.arguments<xen_sysctl_cputopo>(4).address();
    return sysctl(s, XEN_SYSCTL_cputopoinfo, [&](auto& u) {
        u.cputopoinfo.num_cpus = 4;
        u.cputopoinfo.cputopo.p = reinterpret_cast<xen_sysctl_cputopo*>(address);
    });
}

Call numa_info(Scene& s, unsigned) {
    u64 const address = s.arguments<xen_sysctl_meminfo>().address();
    return sysctl(s, XEN_SYSCTL_numainfo, [&](auto& u) {
        u.numainfo.num_nodes = 1;
        u.numainfo.meminfo.p = reinterpret_cast<xen_sysctl_meminfo*>(address);
    });
}

Call read_console(Scene& s, unsigned) {
    auto& buffer = s.arguments<char>(2000);
    return sysctl(s, XEN_SYSCTL_readconsole, [&](auto& u) {
        u.readconsole.count = 2000;
        u.readconsole.buffer.p = reinterpret_cast<char*>(buffer.address());
    });
}

Call list_domains(Scene& s, unsigned) {
    auto& buffer = s.arguments<xen_domctl_getdomaininfo>(8);
    return sysctl(s, XEN_SYSCTL_getdomaininfolist, [&](auto& u) {
        u.getdomaininfolist.max_domains = 8;
        u.getdomaininfolist.buffer.p = reinterpret_cast<xen_domctl_getdomaininfo*>(buffer.address());
    });
}

Call firmware_vendor(Scene& s, unsigned) {
    auto& buffer = s.arguments<u16>(16);
    return platform_op(s, XENPF_firmware_info, [&](auto& u) {
        u.firmware_info.type = XEN_FW_EFI_INFO;
        u.firmware_info.index = XEN_FW_EFI_VENDOR;
        u.firmware_info.u.efi_info.vendor.bufsz = 32;
        u.firmware_info.u.efi_info.vendor.name.p = reinterpret_cast<void*>(buffer.address());
    });
}

constexpr Scenario kDomctls[] = {
    {.name = "createdomain", .set_up = nullptr, .call = [](Scene& s, unsigned) { return create(s, 1); }},
    {.name = "createdomain with three vcpus", .set_up = nullptr, .call = [](Scene& s, unsigned) { return create(s, 3); }},
    {.name = "destroydomain",
     .set_up = entangle_two,
     .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_destroydomain, 2); }},
    {.name = "pausedomain", .set_up = nullptr, .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_pausedomain, 2); }},
    {.name = "unpausedomain", .set_up = pause_two, .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_unpausedomain, 2); }},
    {.name = "getdomaininfo", .set_up = nullptr, .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_getdomaininfo, 2); }},
    {.name = "max_mem",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_max_mem, 2, [](auto& u) { u.max_mem.max_memkb = 4096; }); }},
    {.name = "setvcpucontext", .set_up = pause_two, .call = set_context},
    {.name = "getvcpucontext", .set_up = nullptr, .call = get_context},
    {.name = "getvcpuinfo", .set_up = nullptr, .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_getvcpuinfo, 2); }},
    {.name = "setvcpuaffinity", .set_up = nullptr, .call = set_affinity},
    {.name = "scheduler_op", .set_up = nullptr, .call = set_weight, .tells_late = true},
    {.name = "max_vcpus",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_max_vcpus, 2, [](auto& u) { u.max_vcpus.max = 1; }); }},
    {.name = "setdomainhandle",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_setdomainhandle, 2, [](auto& u) { u.setdomainhandle.handle[3] = 9; }); }},
    {.name = "hypercall_init",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) {
         return domctl(s, XEN_DOMCTL_hypercall_init, 2, [&](auto& u) { u.hypercall_init.gmfn = s.two.pages[0].raw(); });
     }},
    {.name = "get_address_size", .set_up = nullptr, .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_get_address_size, 2); }},
    {.name = "resumedomain",
     .set_up =
         [](Scene& s) {
             s.two.domain.is_shut_down = true;
             s.scheduler.pause_domain(s.two.domain);
         },
     .call = [](Scene& s, unsigned) { return domctl(s, XEN_DOMCTL_resumedomain, 2); }},
};

constexpr Scenario kMachine[] = {
    {.name = "readconsole", .set_up = [](Scene&) { console().log_ring.assign(1700, 'x'); }, .call = read_console},
    {.name = "physinfo", .set_up = nullptr, .call = [](Scene& s, unsigned) { return sysctl(s, XEN_SYSCTL_physinfo, [](auto&) {}); }},
    {.name = "cputopoinfo", .set_up = nullptr, .call = topology},
    {.name = "numainfo", .set_up = nullptr, .call = numa_info},
    {.name = "getdomaininfolist", .set_up = nullptr, .call = list_domains},
    {.name = "settime64",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return platform_op(s, XENPF_settime64, [](auto& u) { u.settime64.secs = 1'700'000'000; }); },
     .tells_late = true},
    {.name = "firmware_info", .set_up = [](Scene&) { firmware_facts.config_table = 0x1000; }, .call = firmware_vendor},
    {.name = "get_cpuinfo", .set_up = nullptr, .call = [](Scene& s, unsigned) { return platform_op(s, XENPF_get_cpuinfo, [](auto&) {}); }},
    {.name = "map_pirq of a GSI",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) {
         physdev_map_pirq_t op{};
         op.domid = DOMID_SELF;
         op.type = MAP_PIRQ_TYPE_GSI;
         op.index = 9;
         return physdev_op(s, PHYSDEVOP_map_pirq, op);
     }},
    {.name = "map_pirq of an MSI",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) {
         physdev_map_pirq_t op{};
         op.domid = DOMID_SELF;
         op.type = MAP_PIRQ_TYPE_MSI_SEG;
         op.devfn = 8;
         return physdev_op(s, PHYSDEVOP_map_pirq, op);
     }},
    {.name = "map_pirq of an MSI-X entry",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) {
         physdev_map_pirq_t op{};
         op.domid = DOMID_SELF;
         op.type = MAP_PIRQ_TYPE_MSI_SEG;
         op.devfn = 8;
         op.table_base = 0xfe00'0000;
         op.entry_nr = 2;
         return physdev_op(s, PHYSDEVOP_map_pirq, op);
     }},
    {.name = "unmap_pirq",
     .set_up = [](Scene&) { pirqs().messages.insert(kFakeGsis); },
     .call = [](Scene& s, unsigned) { return physdev_op(s, PHYSDEVOP_unmap_pirq, physdev_unmap_pirq_t{DOMID_SELF, kFakeGsis}); }},
    {.name = "setup_gsi",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return physdev_op(s, PHYSDEVOP_setup_gsi, physdev_setup_gsi_t{9, 1, 1}); }},
    {.name = "irq_status_query",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return physdev_op(s, PHYSDEVOP_irq_status_query, physdev_irq_status_query_t{9, 0}); }},
    {.name = "apic_read",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return physdev_op(s, PHYSDEVOP_apic_read, physdev_apic_t{kFakeIoApic, 1, 0}); }},
    {.name = "alloc_irq_vector",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return physdev_op(s, PHYSDEVOP_alloc_irq_vector, physdev_irq_t{9, 0}); }},
    {.name = "eoi",
     .set_up = [](Scene& s) { REQUIRE(s.zero.domain.events.bind_pirq(s.zero.domain.events.reserve().take(), Pirq{9}, false).ok()); },
     .call = [](Scene& s, unsigned) { return physdev_op(s, PHYSDEVOP_eoi, physdev_eoi_t{9}); }},
    {.name = "set_iopl",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return physdev_op(s, PHYSDEVOP_set_iopl, physdev_set_iopl_t{1}); }},
};

}  // namespace

TEST_CASE("domctl fails cleanly wherever it can fail", "[hypercall][faults][domctl]") { run_with_faults(kDomctls); }

TEST_CASE("sysctl, platform_op and physdev_op fail cleanly wherever they can fail", "[hypercall][faults][machine]") { run_with_faults(kMachine); }
