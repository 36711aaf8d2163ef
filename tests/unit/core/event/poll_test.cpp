// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/poll.hpp"

#include "hypervisor/core/event/vcpu_events.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Polling : World {
    EventPort ipi(u32 target) {
        PortReservation port = domain.events.reserve().take();
        EventPort const number = port.port();
        REQUIRE(domain.events.bind_ipi(std::move(port), VcpuId{target}).ok());
        domain.shared_info->evtchn_mask[0] |= u64{1} << number.raw();
        return number;
    }
    bool poll(std::vector<EventPort> const& ports) { return start_poll(vcpu, ports).value(); }

    Domain& domain = add_domain(1, 2);
    Vcpu& vcpu = *domain.vcpus[0];
    EventPort a = ipi(0);
    EventPort b = ipi(0);
    EventPort c = ipi(0);
};

}  // namespace

TEST_CASE("a poller of one port wakes for that port, masked as it is, and for no other", "[event][poll]") {
    Polling w;
    REQUIRE(w.poll({w.a}));
    w.scheduler.block(w.vcpu);
    REQUIRE(w.domain.events.send(w.b).ok());
    CHECK(w.vcpu.sched.is_blocked);
    REQUIRE(w.domain.events.send(w.a).ok());
    CHECK_FALSE(w.vcpu.sched.is_blocked);
    CHECK_FALSE(w.vcpu.is_polling);
    CHECK(w.domain.events.pollers() == 0);
}

TEST_CASE("a poller of several ports wakes for any", "[event][poll]") {
    Polling w;
    REQUIRE(w.poll({w.a, w.b}));
    w.scheduler.block(w.vcpu);
    REQUIRE(w.domain.events.send(w.b).ok());
    CHECK_FALSE(w.vcpu.sched.is_blocked);
}

TEST_CASE("poll does not sleep when a port is pending already", "[event][poll]") {
    Polling w;
    REQUIRE(w.domain.events.send(w.b).ok());
    CHECK_FALSE(w.poll({w.a, w.b}));
    CHECK_FALSE(w.vcpu.is_polling);
    CHECK(w.domain.events.pollers() == 0);
}

TEST_CASE("poll does not sleep when an event is deliverable", "[event][poll]") {
    Polling w;
    raise_upcall(w.vcpu);
    CHECK_FALSE(w.poll({w.a}));
    mask_events(w.vcpu);
    CHECK(w.poll({w.a}));
}

TEST_CASE("an upcall ends a poll", "[event][poll]") {
    Polling w;
    REQUIRE(w.poll({w.a}));
    w.scheduler.block(w.vcpu);
    raise_upcall(w.vcpu);
    CHECK_FALSE(w.vcpu.sched.is_blocked);
    CHECK_FALSE(w.vcpu.is_polling);
    CHECK(w.domain.events.pollers() == 0);
}

TEST_CASE("polling a port that does not exist is refused", "[event][poll]") {
    Polling w;
    CHECK(start_poll(w.vcpu, std::vector{w.a, EventPort{4000}}).error() == Errno::invalid);
    CHECK(start_poll(w.vcpu, std::vector{EventPort{0}}).error() == Errno::invalid);
    CHECK_FALSE(w.vcpu.is_polling);
}
