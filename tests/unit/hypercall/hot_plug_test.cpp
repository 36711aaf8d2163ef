// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/hot_plug.hpp"

#include "hypervisor/core/event/virq.hpp"
#include "hypervisor/core/time/timers.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

// Two pcpus; domain one's vcpu runs on the second.
struct TwoPcpus : Stage {
    TwoPcpus() {
        machine().online = {true, true};
        machine().on_return = [this](PcpuId pcpu) { scheduler.add_pcpu(pcpu); };
        scheduler.add_pcpu(PcpuId{1});
        for (Domain* const domain : {&zero.domain, &two.domain}) scheduler.pause_domain(*domain);
        scheduler.set_down(*one.domain.vcpus[1]);
        scheduler.set_affinity(one.vcpu, 2, 2);
        decide(0);
        decide(1);
        machine().pcpu = PcpuId{1};
        bring_timers_here(one.vcpu);
        set_singleshot(one.vcpu, Nanoseconds::from_ms(5));
        machine().pcpu = PcpuId{0};
    }
    ~TwoPcpus() noexcept(false) {
        for (Domain* const domain : {&zero.domain, &two.domain}) scheduler.unpause_domain(*domain);
        for (u32 id = 0; id < 3; ++id) scheduler.pause_domain(*domains.find(DomId{static_cast<u16>(id)}).value());
        decide(0);
        decide(1);
    }
    void decide(u32 pcpu) {
        machine().pcpu = PcpuId{pcpu};
        running[pcpu] = scheduler.pick_next(PcpuId{pcpu}, running[pcpu], machine().now);
        machine().pcpu = PcpuId{0};
    }

    Vcpu* running[2]{};
};

}  // namespace

TEST_CASE("a pcpu goes offline once its vcpu has left, with its timers", "[hypercall][hotplug]") {
    TwoPcpus w;
    REQUIRE(w.running[1] == &w.one.vcpu);
    CHECK(take_pcpu_offline(w.system, 1).error() == Errno::restart);  // it still runs there
    CHECK(machine().online[1]);
    w.decide(1);
    CHECK(w.running[1] == nullptr);
    CHECK(take_pcpu_offline(w.system, 1).error() == Errno::restart);  // it has been asked to park
    CHECK(take_pcpu_offline(w.system, 1).ok());
    CHECK_FALSE(machine().online[1]);
    w.decide(0);
    CHECK(w.running[0] == &w.one.vcpu);  // although it is pinned: there is nothing else
    CHECK(next_timer() == Nanoseconds::from_ms(5));
    CHECK(machine().timer == Nanoseconds::from_ms(5));

    CHECK(bring_pcpu_online(w.system, 1).ok());
    CHECK(machine().online[1]);
    w.decide(0);
    w.decide(1);
    CHECK(w.running[1] == &w.one.vcpu);  // home again
}

TEST_CASE("the pcpu that the caller runs on goes offline only when the caller is elsewhere", "[hypercall][hotplug]") {
    TwoPcpus w;
    machine().pcpu = PcpuId{1};
    CHECK(take_pcpu_offline(w.system, 1).error() == Errno::restart);
    CHECK(machine().online[1]);
    w.decide(1);
    machine().pcpu = PcpuId{1};
    CHECK(take_pcpu_offline(w.system, 1).error() == Errno::restart);
    CHECK(machine().online[1]);
}

TEST_CASE("the first pcpu stays, and there are no others than there are", "[hypercall][hotplug]") {
    TwoPcpus w;
    CHECK(take_pcpu_offline(w.system, 0).error() == Errno::busy);
    CHECK(take_pcpu_offline(w.system, 2).error() == Errno::invalid);
    CHECK(bring_pcpu_online(w.system, 2).error() == Errno::invalid);
    CHECK(bring_pcpu_online(w.system, 0).ok());
}

// dom0's driver asks for the state when the virq comes, and never again: too early, and it believes the former state for good.
TEST_CASE("dom0 hears of a pcpu that has gone or come once it is so, not before", "[hypercall][hotplug]") {
    TwoPcpus w;
    EventChannels& events = w.zero.domain.events;
    EventPort port{};
    auto const listen = [&] {
        PortReservation reserved = events.reserve().take();
        port = reserved.port();
        REQUIRE(events.bind_virq(std::move(reserved), Virq{VIRQ_PCPU_STATE}, VcpuId{0}).ok());
    };
    auto const has_heard = [&] { return events.is_pending(port).value(); };
    w.scheduler.pause_domain(w.one.domain);
    w.decide(1);
    machine().parks_at_once = false;

    listen();
    CHECK(take_pcpu_offline(w.system, 1).error() == Errno::restart);
    CHECK_FALSE(has_heard());
    machine().do_what_is_asked();
    CHECK(take_pcpu_offline(w.system, 1).ok());
    CHECK(has_heard());
    REQUIRE(events.close(port).ok());

    listen();
    CHECK(bring_pcpu_online(w.system, 1).error() == Errno::restart);
    CHECK_FALSE(has_heard());
    machine().do_what_is_asked();
    CHECK(bring_pcpu_online(w.system, 1).ok());
    CHECK(has_heard());
    w.scheduler.unpause_domain(w.one.domain);
}

TEST_CASE("hot plug by hypercall", "[hypercall][hotplug]") {
    TwoPcpus w;
    auto const sysctl = [&](u32 cpu, u32 op) {
        xen_sysctl request{};
        request.cmd = XEN_SYSCTL_cpu_hotplug;
        request.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
        request.u.cpu_hotplug.cpu = cpu;
        request.u.cpu_hotplug.op = op;
        return World::hypercall(w.zero.vcpu, __HYPERVISOR_sysctl, {w.pointer_to(request)});
    };
    CHECK_REFUSED(w, Errno::busy, sysctl(0, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE));
    CHECK_REFUSED(w, Errno::invalid, sysctl(7, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE));
    CHECK_REFUSED(w, Errno::not_supported, sysctl(1, XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE));
    w.scheduler.pause_domain(w.one.domain);
    w.decide(1);
    CHECK(sysctl(1, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE) == 0);
    CHECK_FALSE(machine().online[1]);
    CHECK(sysctl(1, XEN_SYSCTL_CPU_HOTPLUG_ONLINE) == 0);
    CHECK(machine().online[1]);
    w.scheduler.unpause_domain(w.one.domain);
}
