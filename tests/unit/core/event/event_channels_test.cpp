// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/event_channels.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/event/virq.hpp"
#include "tests/support/hypervisor/fake_pirq.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Channels : World {
    Channels() { pirqs() = FakePirqs{}; }

    static EventPort unbound(Domain& domain, Domain& remote) {
        return domain.events.make_unbound(domain.events.reserve().take(), remote.id());
    }
    static EventPort bind(Domain& domain, Domain& remote, EventPort remote_port) {
        PortReservation port = domain.events.reserve().take();
        EventPort const number = port.port();
        REQUIRE(domain.events.bind_interdomain(std::move(port), remote, remote_port).ok());
        return number;
    }
    static bool is_pending(Domain& domain, EventPort port) { return domain.events.is_pending(port).value(); }
    // Domain one does not come back for the rest of a reset, and offers domain two a port that is closed already.
    EventPort offered_after_a_broken_off_reset() {
        for (int i = 0; i < 20; ++i) (void)unbound(one, two);
        machine().preempt_after = 5;
        REQUIRE(one.events.close_all().error() == Errno::restart);
        machine().preempt_after = -1;
        EventPort const offered = unbound(one, two);
        CHECK(offered == EventPort{1});
        return offered;
    }
    // As a guest's upcall handler does.
    static void consume(Domain& domain, EventPort port) {
        Vcpu& vcpu = *domain.vcpus[0];
        SharedWord<u8>{vcpu.info->evtchn_upcall_pending}.store(0);
        SharedWord<u64>{vcpu.info->evtchn_pending_sel}.store(0);
        SharedWord<u64>{domain.shared_info->evtchn_pending[port.raw() / 64]}.test_and_clear_bit(port.raw() % 64);
    }
    static void set_mask(Domain& domain, EventPort port) {
        SharedWord<u64>{domain.shared_info->evtchn_mask[port.raw() / 64]}.test_and_set_bit(port.raw() % 64);
    }
    static PortState state(Domain& domain, EventPort port) { return domain.events.status(port).value().state; }

    Domain& one = add_domain(1, 2);
    Domain& two = add_domain(2, 2);
};

}  // namespace

TEST_CASE("ports are given out from the lowest free one, never port 0", "[event]") {
    Channels w;
    CHECK(w.unbound(w.one, w.two) == EventPort{1});
    CHECK(w.unbound(w.one, w.two) == EventPort{2});
    CHECK(w.unbound(w.one, w.two) == EventPort{3});
    REQUIRE(w.one.events.close(EventPort{2}).ok());
    CHECK(w.unbound(w.one, w.two) == EventPort{2});
    CHECK(w.unbound(w.one, w.two) == EventPort{4});
}

TEST_CASE("a reservation that is not used gives its port back", "[event]") {
    Channels w;
    { PortReservation const port = w.one.events.reserve().take(); }
    CHECK(w.unbound(w.one, w.two) == EventPort{1});
    CHECK(w.one.events.close(EventPort{0}).error() == Errno::invalid);
}

TEST_CASE("a domain gets no more ports than its limit", "[event]") {
    Channels w;
    SECTION("as the toolstack says") {
        w.one.events.limit_ports(2);
        (void)w.unbound(w.one, w.two);
        (void)w.unbound(w.one, w.two);
        CHECK(w.one.events.reserve().error() == Errno::no_space);
    }
    SECTION("as the 2-level layout has") {
        w.one.events.limit_ports(~u32{0});
        for (u32 i = 1; i < 4096; ++i) REQUIRE(w.unbound(w.one, w.two) == EventPort{i});
        CHECK(w.one.events.reserve().error() == Errno::no_space);
    }
}

TEST_CASE("binding makes both ends interdomain and the local port pending once", "[event]") {
    Channels w;
    EventPort const offered = w.unbound(w.one, w.two);
    EventPort const local = w.bind(w.two, w.one, offered);

    CHECK(w.is_pending(w.two, local));
    CHECK_FALSE(w.is_pending(w.one, offered));
    CHECK(has_deliverable_event(*w.two.vcpus[0]));
    PortStatus const status = w.one.events.status(offered).take();
    CHECK(status.state == PortState::interdomain);
    CHECK(status.domain == w.two.id());
    CHECK(status.port == local);
    w.one.events.check();
    w.two.events.check();
}

TEST_CASE("only the domain an unbound port is meant for can bind to it", "[event]") {
    Channels w;
    Domain& three = w.add_domain(3);
    EventPort const offered = w.unbound(w.one, w.two);
    CHECK(three.events.bind_interdomain(three.events.reserve().take(), w.one, offered).error() == Errno::invalid);
    CHECK(w.two.events.bind_interdomain(w.two.events.reserve().take(), w.one, EventPort{77}).error() == Errno::invalid);
    CHECK(w.two.events.bind_interdomain(w.two.events.reserve().take(), w.one, EventPort{4095}).error() == Errno::invalid);
    CHECK(w.two.events.bind_interdomain(w.two.events.reserve().take(), w.one, EventPort{~u32{0}}).error() == Errno::invalid);
    (void)w.bind(w.two, w.one, offered);
    CHECK(w.two.events.bind_interdomain(w.two.events.reserve().take(), w.one, offered).error() == Errno::invalid);
}

TEST_CASE("send sets the port of the other end pending, and only that", "[event]") {
    Channels w;
    EventPort const a = w.unbound(w.one, w.two);
    EventPort const b = w.bind(w.two, w.one, a);
    w.consume(w.two, b);

    REQUIRE(w.one.events.send(a).ok());
    CHECK(w.is_pending(w.two, b));
    CHECK_FALSE(w.is_pending(w.one, a));
    CHECK(has_deliverable_event(*w.two.vcpus[0]));
    CHECK_FALSE(has_deliverable_event(*w.two.vcpus[1]));
    REQUIRE(w.two.events.send(b).ok());
    CHECK(w.is_pending(w.one, a));
}

TEST_CASE("a domain can be its own peer", "[event]") {
    Channels w;
    EventPort const a = w.unbound(w.one, w.one);
    EventPort const b = w.bind(w.one, w.one, a);
    REQUIRE(w.one.events.send(b).ok());
    CHECK(w.is_pending(w.one, a));
    REQUIRE(w.one.events.close(a).ok());
    CHECK(w.state(w.one, b) == PortState::unbound);
    w.one.events.check();
}

TEST_CASE("an event for a masked port waits for unmask", "[event]") {
    Channels w;
    EventPort const a = w.unbound(w.one, w.two);
    EventPort const b = w.bind(w.two, w.one, a);
    w.consume(w.two, b);
    w.set_mask(w.two, b);

    REQUIRE(w.one.events.send(a).ok());
    CHECK(w.is_pending(w.two, b));
    CHECK_FALSE(has_deliverable_event(*w.two.vcpus[0]));
    REQUIRE(w.two.events.unmask(b).ok());
    CHECK(has_deliverable_event(*w.two.vcpus[0]));
}

TEST_CASE("unmask of a port that is not pending raises nothing", "[event]") {
    Channels w;
    EventPort const a = w.unbound(w.one, w.two);
    w.set_mask(w.one, a);
    REQUIRE(w.one.events.unmask(a).ok());
    CHECK_FALSE(has_deliverable_event(*w.one.vcpus[0]));
    CHECK(w.one.events.unmask(EventPort{4000}).error() == Errno::invalid);
}

TEST_CASE("closing one end leaves the other one unbound for the same domain", "[event]") {
    Channels w;
    EventPort const a = w.unbound(w.one, w.two);
    EventPort const b = w.bind(w.two, w.one, a);
    REQUIRE(w.two.events.close(b).ok());
    CHECK(w.state(w.one, a) == PortState::unbound);
    CHECK(w.state(w.two, b) == PortState::free);
    CHECK(w.one.events.send(a).ok());  // dropped
    CHECK(w.two.events.send(b).error() == Errno::invalid);
    CHECK(w.two.events.close(b).error() == Errno::invalid);
    EventPort const again = w.bind(w.two, w.one, a);
    CHECK(w.state(w.two, again) == PortState::interdomain);
}

TEST_CASE("a closed port is not pending when it is given out again", "[event]") {
    Channels w;
    EventPort const a = w.unbound(w.one, w.two);
    EventPort const b = w.bind(w.two, w.one, a);
    REQUIRE(w.one.events.send(a).ok());
    REQUIRE(w.two.events.close(b).ok());
    CHECK(w.unbound(w.two, w.one) == b);
    CHECK_FALSE(w.is_pending(w.two, b));
}

TEST_CASE("an ipi goes to the vcpu it was bound for", "[event]") {
    Channels w;
    PortReservation port = w.one.events.reserve().take();
    EventPort const ipi = port.port();
    REQUIRE(w.one.events.bind_ipi(std::move(port), VcpuId{1}).ok());
    CHECK(w.one.events.bind_ipi(w.one.events.reserve().take(), VcpuId{2}).error() == Errno::no_entry);
    REQUIRE(w.one.events.send(ipi).ok());
    CHECK(has_deliverable_event(*w.one.vcpus[1]));
    CHECK_FALSE(has_deliverable_event(*w.one.vcpus[0]));
    CHECK(w.one.events.bind_vcpu(ipi, VcpuId{0}).error() == Errno::invalid);
}

TEST_CASE("bind_vcpu moves where an interdomain port is delivered", "[event]") {
    Channels w;
    EventPort const a = w.unbound(w.one, w.two);
    EventPort const b = w.bind(w.two, w.one, a);
    w.consume(w.two, b);
    REQUIRE(w.two.events.bind_vcpu(b, VcpuId{1}).ok());
    CHECK(w.two.events.bind_vcpu(b, VcpuId{9}).error() == Errno::no_entry);
    REQUIRE(w.one.events.send(a).ok());
    CHECK(has_deliverable_event(*w.two.vcpus[1]));
    CHECK_FALSE(has_deliverable_event(*w.two.vcpus[0]));
}

TEST_CASE("a virq is bound once a vcpu or once a domain", "[event][virq]") {
    Channels w;
    auto const bind = [&](Domain& domain, unsigned virq, unsigned vcpu) {
        return domain.events.bind_virq(domain.events.reserve().take(), Virq{virq}, VcpuId{vcpu});
    };
    CHECK(bind(w.one, VIRQ_TIMER, 0).ok());
    CHECK(bind(w.one, VIRQ_TIMER, 1).ok());
    CHECK(bind(w.one, VIRQ_TIMER, 1).error() == Errno::exists);
    CHECK(bind(w.one, VIRQ_TIMER, 2).error() == Errno::no_entry);
    CHECK(bind(w.one, 5, 0).error() == Errno::invalid);
    CHECK(bind(w.one, 24, 0).error() == Errno::invalid);
    CHECK(bind(w.one, ~0u, 0).error() == Errno::invalid);
    CHECK(bind(w.one, VIRQ_DOM_EXC, 0).error() == Errno::perm);
    CHECK(bind(w.dom0(), VIRQ_DOM_EXC, 0).ok());
    CHECK(bind(w.dom0(), VIRQ_DOM_EXC, 0).error() == Errno::exists);
    CHECK(bind(w.one, VIRQ_ARGO, 1).error() == Errno::invalid);
    w.one.events.check();
    w.dom0().events.check();
}

TEST_CASE("virqs are delivered where they are bound, and nowhere after close", "[event][virq]") {
    Channels w;
    send_vcpu_virq(*w.one.vcpus[1], Virq{VIRQ_TIMER});
    CHECK_FALSE(has_deliverable_event(*w.one.vcpus[1]));

    REQUIRE(w.one.events.bind_virq(w.one.events.reserve().take(), Virq{VIRQ_TIMER}, VcpuId{1}).ok());
    send_vcpu_virq(*w.one.vcpus[1], Virq{VIRQ_TIMER});
    CHECK(has_deliverable_event(*w.one.vcpus[1]));
    CHECK(w.is_pending(w.one, EventPort{1}));

    REQUIRE(w.one.events.close(EventPort{1}).ok());
    send_vcpu_virq(*w.one.vcpus[1], Virq{VIRQ_TIMER});
    CHECK_FALSE(w.is_pending(w.one, EventPort{1}));
}

TEST_CASE("a global virq goes to dom0, on the vcpu it moved it to", "[event][virq]") {
    Channels w;
    send_global_virq(w.system, Virq{VIRQ_CON_RING});
    REQUIRE(w.dom0().events.bind_virq(w.dom0().events.reserve().take(), Virq{VIRQ_CON_RING}, VcpuId{0}).ok());
    CHECK_FALSE(has_deliverable_event(*w.dom0().vcpus[0]));
    send_global_virq(w.system, Virq{VIRQ_CON_RING});
    CHECK(has_deliverable_event(*w.dom0().vcpus[0]));
}

TEST_CASE("a pirq is bound once, and closing its port unbinds it", "[event][pirq]") {
    Channels w;
    Domain& dom0 = w.dom0();
    REQUIRE(dom0.events.bind_pirq(dom0.events.reserve().take(), Pirq{9}, true).ok());
    CHECK(pirqs().bound.at(9) == EventPort{1});
    CHECK(dom0.events.bind_pirq(dom0.events.reserve().take(), Pirq{9}, true).error() == Errno::exists);
    CHECK(dom0.events.bind_pirq(dom0.events.reserve().take(), Pirq{16}, true).error() == Errno::invalid);
    dom0.events.raise(EventPort{1});
    CHECK(w.is_pending(dom0, EventPort{1}));
    REQUIRE(dom0.events.close(EventPort{1}).ok());
    CHECK(pirqs().bound.empty());
    CHECK(pirqs().unbinds == 1);
}

TEST_CASE("closing all ports is preemptible at every port, and unbinds every peer", "[event]") {
    Channels w;
    std::vector<EventPort> offered;
    for (int i = 0; i < 300; ++i) {
        offered.push_back(w.unbound(w.one, w.two));
        (void)w.bind(w.two, w.one, offered.back());
    }
    unsigned restarts = 0;
    for (;;) {
        machine().preempt_after = 0;
        Status const status = w.two.events.close_all();
        w.one.events.check();
        w.two.events.check();
        if (status.ok()) break;
        REQUIRE(status.error() == Errno::restart);
        ++restarts;
    }
    machine().preempt_after = -1;
    CHECK(restarts == 300);
    for (EventPort const port : offered) CHECK(w.state(w.one, port) == PortState::unbound);
    CHECK(w.unbound(w.two, w.one) == EventPort{1});
}

TEST_CASE("ports given out after a reset that was broken off are closed when the domain dies", "[event]") {
    Channels w;
    EventPort const offered = w.offered_after_a_broken_off_reset();
    EventPort const local = w.bind(w.two, w.one, offered);
    w.one.events.check();
    w.destroy(w.one);
    CHECK(w.state(w.two, local) == PortState::unbound);
    CHECK(w.two.events.send(local).ok());
}

TEST_CASE("a reset after one that was broken off closes what was bound between them", "[event]") {
    Channels w;
    EventPort const offered = w.offered_after_a_broken_off_reset();
    CHECK(w.one.events.close_all().ok());
    CHECK(w.state(w.one, offered) == PortState::free);
    CHECK(w.unbound(w.one, w.two) == EventPort{1});
}

TEST_CASE("a dying domain gets no new ports, and its death unbinds its peers", "[event]") {
    Channels w;
    EventPort const a = w.unbound(w.one, w.two);
    (void)w.bind(w.two, w.one, a);
    w.destroy(w.two);
    CHECK(w.state(w.one, a) == PortState::unbound);
    CHECK(w.one.events.send(a).ok());
    w.one.life = LifeState::dying;
    CHECK(w.one.events.reserve().error() == Errno::invalid);
    w.one.life = LifeState::alive;
}

TEST_CASE("events go nowhere, and break nothing, in a domain without vcpus", "[event]") {
    Channels w;
    Domain& bare = *create_domain(w.system, DomId{9}).value();
    EventPort const offered = w.unbound(bare, w.one);
    EventPort const local = w.bind(w.one, bare, offered);
    CHECK(w.one.events.send(local).ok());
    CHECK(w.is_pending(bare, offered));
}
