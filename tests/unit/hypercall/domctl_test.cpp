// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/hypercall/domain_info.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Control : Stage {
    using Stage::domctl;
    i64 domctl(u32 command, u16 domain) {
        return domctl(command, domain, [](auto&) {});
    }
    // What the last domctl wrote back.
    xen_domctl& answer() { return *last<xen_domctl>(); }

    static void fill_creation(xen_domctl_createdomain& config) {
        config.max_vcpus = 2;
        config.max_evtchn_port = 100;
        config.max_grant_frames = 4;
        config.max_maptrack_frames = 1024;
        config.grant_opts = 1;
        config.handle[0] = 0xab;
    }
    template <typename Change>
    i64 create(u16 domain, Change change) {
        return domctl(XEN_DOMCTL_createdomain, domain, [&](auto& u) {
            fill_creation(u.createdomain);
            change(u.createdomain);
        });
    }
    i64 create(u16 domain) {
        return create(domain, [](auto&) {});
    }
    u32 flags(u16 domain) {
        REQUIRE(domctl(XEN_DOMCTL_getdomaininfo, domain) == 0);
        REQUIRE(answer().domain == domain);
        return answer().u.getdomaininfo.flags;
    }
};

}  // namespace

TEST_CASE("createdomain makes a paused domain with what was asked for", "[hypercall][domctl]") {
    Control w;
    CHECK(w.create(0) == 0);
    u16 const id = w.answer().domain;
    Domain& domain = *w.domains.find(DomId{id}).value();
    CHECK(domain.max_vcpus == 2);
    CHECK(domain.handle[0] == 0xab);
    CHECK(domain.grants.max_frames() == 4);
    CHECK(domain.events.status(EventPort{101}).error() == Errno::invalid);
    CHECK((w.flags(id) & XEN_DOMINF_paused) != 0);
    CHECK(w.create(0xffff) == 0);  // any number
    CHECK(w.answer().domain == id + 1);
    CHECK(w.create(77, [](auto& c) { c.max_grant_frames = -1; }) == 0);
    CHECK(w.domains.find(DomId{77}).value()->grants.max_frames() == kMaxGrantFrames);
}

TEST_CASE("createdomain refuses what a PV domain of ours cannot be", "[hypercall][domctl]") {
    Control w;
    CHECK_REFUSED(w, Errno::exists, w.create(1));
    CHECK_REFUSED(w, Errno::invalid, w.create(kMaxDomains));
    CHECK_REFUSED(w, Errno::invalid, w.create(9, [](auto& c) { c.flags = XEN_DOMCTL_CDF_hvm; }));
    CHECK_REFUSED(w, Errno::invalid, w.create(9, [](auto& c) { c.arch.emulation_flags = 1; }));
    CHECK_REFUSED(w, Errno::invalid, w.create(9, [](auto& c) { c.max_vcpus = 0; }));
    CHECK_REFUSED(w, Errno::invalid, w.create(9, [](auto& c) { c.max_vcpus = kMaxVcpus + 1; }));
    CHECK_REFUSED(w, Errno::invalid, w.create(9, [](auto& c) { c.grant_opts = 0; }));
    CHECK(w.domains.find(DomId{9}).error() == Errno::no_such_domain);
}

TEST_CASE("createdomain that runs out of memory gives back what it had", "[hypercall][domctl]") {
    Control w;
    auto const create_many_vcpus = [&] {
        i64 const result = w.create(9, [](auto& c) { c.max_vcpus = kMaxVcpus; });
        reap_dead_domains(w.system);
        return result;
    };
    while (w.heap.free_pages() > 100) (void)w.populate(w.one.domain);
    u64 const free = w.heap.free_pages();
    CHECK_REFUSED(w, Errno::no_memory, create_many_vcpus());
    CHECK(w.heap.free_pages() == free);
    CHECK(w.domains.find(DomId{9}).error() == Errno::no_such_domain);
}

TEST_CASE("the version and the command of a domctl must be known", "[hypercall][domctl]") {
    Control w;
    xen_domctl request{};
    request.cmd = XEN_DOMCTL_pausedomain;
    request.interface_version = XEN_DOMCTL_INTERFACE_VERSION + 1;
    request.domain = 1;
    CHECK_REFUSED(w, Errno::access, World::hypercall(w.zero.vcpu, __HYPERVISOR_domctl, {w.pointer_to(request)}));
    CHECK_REFUSED(w, Errno::no_system_call, w.domctl(XEN_DOMCTL_gdbsx_guestmemio, 1));
}

TEST_CASE("a domctl on a domain that is not there is refused", "[hypercall][domctl]") {
    Control w;
    for (u32 const command : {XEN_DOMCTL_destroydomain, XEN_DOMCTL_pausedomain, XEN_DOMCTL_unpausedomain, XEN_DOMCTL_max_mem,
                              XEN_DOMCTL_setvcpucontext, XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_getvcpuinfo, XEN_DOMCTL_max_vcpus,
                              XEN_DOMCTL_setdomainhandle, XEN_DOMCTL_hypercall_init, XEN_DOMCTL_resumedomain, XEN_DOMCTL_set_address_size,
                              XEN_DOMCTL_get_address_size})
        CHECK_REFUSED(w, Errno::no_such_domain, w.domctl(command, 99));
    CHECK_REFUSED(w, Errno::no_such_domain, w.domctl(XEN_DOMCTL_getdomaininfo, 99));
}

TEST_CASE("a dying domain is as good as gone for all but its destruction", "[hypercall][domctl]") {
    Control w;
    // Somebody holds a frame of it.
    REQUIRE(w.page_types.get_page(w.two.pages[0], DomId{2}).ok());
    CHECK(w.domctl(XEN_DOMCTL_destroydomain, 2) == 0);
    reap_dead_domains(w.system);
    CHECK((w.flags(2) & XEN_DOMINF_dying) != 0);
    CHECK(w.domctl(XEN_DOMCTL_destroydomain, 2) == 0);
    CHECK(w.domctl(XEN_DOMCTL_getvcpuinfo, 2) == 0);
    for (u32 const command : {XEN_DOMCTL_pausedomain, XEN_DOMCTL_unpausedomain, XEN_DOMCTL_max_mem, XEN_DOMCTL_resumedomain,
                              XEN_DOMCTL_hypercall_init})
        CHECK_REFUSED(w, Errno::no_such_domain, w.domctl(command, 2));
    w.page_types.put_page(w.two.pages[0]);
}

TEST_CASE("dom0 cannot pause or destroy itself, or look at its own registers", "[hypercall][domctl]") {
    Control w;
    for (u32 const command : {XEN_DOMCTL_destroydomain, XEN_DOMCTL_pausedomain, XEN_DOMCTL_unpausedomain, XEN_DOMCTL_setvcpucontext,
                              XEN_DOMCTL_getvcpucontext})
        CHECK_REFUSED(w, Errno::invalid, w.domctl(command, 0));
}

TEST_CASE("pausing twice is pausing once", "[hypercall][domctl]") {
    Control w;
    CHECK(w.domctl(XEN_DOMCTL_pausedomain, 1) == 0);
    CHECK(w.domctl(XEN_DOMCTL_pausedomain, 1) == 0);
    CHECK(w.one.domain.pause_count == 1);
    CHECK(w.domctl(XEN_DOMCTL_unpausedomain, 1) == 0);
    CHECK(w.domctl(XEN_DOMCTL_unpausedomain, 1) == 0);
    CHECK(w.one.domain.pause_count == 0);
}

TEST_CASE("getdomaininfo tells the state of a domain, and iterates", "[hypercall][domctl]") {
    Control w;
    w.one.domain.total_pages = 12;
    CHECK(w.domctl(XEN_DOMCTL_getdomaininfo, 1) == 0);
    xen_domctl_getdomaininfo const info = w.answer().u.getdomaininfo;
    CHECK(info.domain == 1);
    CHECK(info.tot_pages == 12);
    CHECK(info.max_pages == w.one.domain.max_pages);
    CHECK(info.max_vcpu_id == 1);
    CHECK(info.nr_online_vcpus == 2);
    CHECK(info.shared_info_frame == w.one.domain.shared_info_frame.raw());
    CHECK(info.flags == 0);
    CHECK(w.create(7) == 0);
    CHECK(w.domctl(XEN_DOMCTL_getdomaininfo, 3) == 0);
    CHECK(w.answer().domain == 7);
    CHECK(w.answer().u.getdomaininfo.nr_online_vcpus == 0);

    for (unsigned i = 0; i < 2; ++i) w.scheduler.block(*w.one.domain.vcpus[i]);
    CHECK(w.flags(1) == XEN_DOMINF_blocked);
    w.scheduler.wake(*w.one.domain.vcpus[1]);
    CHECK(w.flags(1) == 0);
    shut_down_domain(w.one.domain, ShutdownReason::crash);
    CHECK(w.flags(1) == (XEN_DOMINF_shutdown | SHUTDOWN_crash << XEN_DOMINF_shutdownshift));
}

TEST_CASE("a domain that runs is told as running", "[hypercall][domctl]") {
    Control w;
    w.scheduler.block(w.zero.vcpu);
    w.scheduler.block(w.two.vcpu);
    Vcpu* const running = w.scheduler.pick_next(PcpuId{0}, nullptr, Nanoseconds{1});
    REQUIRE(running != nullptr);
    REQUIRE(&running->domain() == &w.one.domain);
    CHECK((w.flags(1) & XEN_DOMINF_running) != 0);
    CHECK(w.domctl(XEN_DOMCTL_getvcpuinfo, 1, [&](auto& u) { u.getvcpuinfo.vcpu = running->id().raw(); }) == 0);
    CHECK(w.answer().u.getvcpuinfo.running == 1);
    CHECK(w.answer().u.getvcpuinfo.online == 1);
    w.scheduler.pause_domain(w.one.domain);
    CHECK(w.scheduler.pick_next(PcpuId{0}, running, Nanoseconds{2}) == nullptr);
}

TEST_CASE("a suspend that was cancelled is resumed, once", "[hypercall][domctl]") {
    Control w;
    CHECK_REFUSED(w, Errno::invalid, w.domctl(XEN_DOMCTL_resumedomain, 1));
    shut_down_domain(w.one.domain, ShutdownReason::suspend);
    CHECK(w.domctl(XEN_DOMCTL_resumedomain, 1) == 0);
    CHECK(!w.one.domain.is_shut_down);
    CHECK(w.one.domain.pause_count == 0);
    CHECK_REFUSED(w, Errno::invalid, w.domctl(XEN_DOMCTL_resumedomain, 1));
}

TEST_CASE("limits and properties of a domain", "[hypercall][domctl]") {
    Control w;
    CHECK(w.domctl(XEN_DOMCTL_max_mem, 1, [](auto& u) { u.max_mem.max_memkb = 4096; }) == 0);
    CHECK(w.one.domain.max_pages == 1024);
    CHECK(w.domctl(XEN_DOMCTL_max_vcpus, 1, [](auto& u) { u.max_vcpus.max = 2; }) == 0);
    CHECK_REFUSED(w, Errno::invalid, w.domctl(XEN_DOMCTL_max_vcpus, 1, [](auto& u) { u.max_vcpus.max = 3; }));
    CHECK(w.domctl(XEN_DOMCTL_set_address_size, 1, [](auto& u) { u.address_size.size = 64; }) == 0);
    CHECK_REFUSED(w, Errno::no_device, w.domctl(XEN_DOMCTL_set_address_size, 1, [](auto& u) { u.address_size.size = 32; }));
    CHECK(w.domctl(XEN_DOMCTL_get_address_size, 1) == 0);
    CHECK(w.answer().u.address_size.size == 64);
    CHECK(w.domctl(XEN_DOMCTL_setdomainhandle, 1, [](auto& u) { u.setdomainhandle.handle[15] = 9; }) == 0);
    CHECK(w.one.domain.handle[15] == 9);
    CHECK_REFUSED(w, Errno::invalid, w.domctl(XEN_DOMCTL_getvcpuinfo, 1, [](auto& u) { u.getvcpuinfo.vcpu = 2; }));
}

TEST_CASE("the hypercall page is written into a page of the domain only", "[hypercall][domctl]") {
    Control w;
    auto const init = [&](Mfn frame) {
        return w.domctl(XEN_DOMCTL_hypercall_init, 1, [&](auto& u) { u.hypercall_init.gmfn = frame.raw(); });
    };
    CHECK(init(w.one.pages[0]) == 0);
    u8 const* const page = frame_pointer<u8>(w.one.pages[0]);
    u8 const* const stub = page + 32 * __HYPERVISOR_mmu_update;
    CHECK(stub[3] == 0xb8);  // MOV EAX, number
    CHECK(stub[4] == __HYPERVISOR_mmu_update);
    CHECK(stub[8] == 0x0f);  // SYSCALL
    CHECK(stub[9] == 0x05);
    CHECK(page[32 * __HYPERVISOR_iret + 4] == 0xb8);  // iret saves RAX and does not come back
    CHECK(page[32 * __HYPERVISOR_iret + 5] == __HYPERVISOR_iret);
    CHECK_REFUSED(w, Errno::invalid, init(w.two.pages[0]));      // another domain's
    CHECK_REFUSED(w, Errno::invalid, init(w.one.space.l1));      // a page table
    CHECK_REFUSED(w, Errno::invalid, init(Mfn{1u << 30}));       // no memory at all
}
