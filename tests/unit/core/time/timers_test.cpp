// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/time/timers.hpp"

#include "hypervisor/core/event/poll.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("a period longer than time itself is never due", "[time]") {
    World world;
    Vcpu& vcpu = *world.add_domain(1).vcpu(VcpuId{0});
    machine().now = Nanoseconds{1'000'000'000};
    u64 const wraps = ~u64{0} - 10;

    GuestArray<vcpu_set_periodic_timer_t> request;
    request->period_ns = wraps;
    (void)World::call(vcpu, hypercall_vcpu_op, VCPUOP_set_periodic_timer, 0, request.address());
    run_timers(machine().now);
    CHECK(next_timer() > machine().now);  // else the way back to a guest would look for ever

    machine().now = Nanoseconds{2'000'000'000};
    run_timers(machine().now);
    CHECK(next_timer() > machine().now);
    set_periodic(vcpu, Nanoseconds{});
}

TEST_CASE("a periodic timer goes on until it is stopped", "[time]") {
    World world;
    Vcpu& vcpu = *world.add_domain(1).vcpu(VcpuId{0});
    machine().now = Nanoseconds{1'000'000'000};
    set_periodic(vcpu, Nanoseconds::from_ms(10));
    CHECK(next_timer() == Nanoseconds{1'010'000'000});
    machine().now = Nanoseconds{1'010'000'000};
    run_timers(machine().now);
    CHECK(next_timer() == Nanoseconds{1'020'000'000});
    set_periodic(vcpu, Nanoseconds{});
    machine().now = Nanoseconds{1'020'000'000};
    run_timers(machine().now);
    CHECK(next_timer() == Nanoseconds::never());
}

namespace {

// Three vcpus with VIRQ_TIMER bound, and nobody else's timers.
struct TimerWorld : World {
    TimerWorld() {
        machine().now = Nanoseconds{1'000};
        machine().pcpu = PcpuId{0};
        for (u32 i = 0; i < ports.size(); ++i) {
            PortReservation port = domain.events.reserve().take();
            ports[i] = port.port();
            REQUIRE(domain.events.bind_virq(std::move(port), Virq{VIRQ_TIMER}, VcpuId{i}).ok());
        }
    }
    ~TimerWorld() noexcept(false) {
        for (u32 i = 0; i < ports.size(); ++i) stop_timers(vcpu(i));
        machine().pcpu = PcpuId{0};
    }
    Vcpu& vcpu(u32 i) { return *domain.vcpus[i]; }
    // Whose timer has fired since the last question.
    std::vector<u32> fired() {
        std::vector<u32> result;
        for (u32 i = 0; i < ports.size(); ++i) {
            u64& word = domain.shared_info->evtchn_pending[0];
            if ((word >> ports[i].raw() & 1) != 0) result.push_back(i);
            word &= ~(u64{1} << ports[i].raw());
        }
        return result;
    }
    std::vector<u32> run_at(u64 now) {
        machine().now = Nanoseconds{now};
        run_timers(machine().now);
        return fired();
    }

    Domain& domain = add_domain(1, 3);
    std::array<EventPort, 3> ports;
};

using Who = std::vector<u32>;

}  // namespace

TEST_CASE("timers fire in the order of their deadlines, each once", "[time]") {
    TimerWorld w;
    set_singleshot(w.vcpu(0), Nanoseconds{3'000});
    set_singleshot(w.vcpu(1), Nanoseconds{2'000});
    set_singleshot(w.vcpu(2), Nanoseconds{4'000});
    CHECK(next_timer() == Nanoseconds{2'000});
    CHECK(w.run_at(1'999) == Who{});
    CHECK(w.run_at(2'000) == Who{1});
    CHECK(next_timer() == Nanoseconds{3'000});
    CHECK(w.run_at(9'000) == Who{0, 2});
    CHECK(w.run_at(9'999) == Who{});
    CHECK(next_timer() == Nanoseconds::never());
}

TEST_CASE("a deadline that moves, or goes, takes its place with it", "[time]") {
    TimerWorld w;
    for (u32 i = 0; i < 3; ++i) set_singleshot(w.vcpu(i), Nanoseconds{2'000 + i});
    set_singleshot(w.vcpu(0), Nanoseconds{5'000});
    set_singleshot(w.vcpu(1), Nanoseconds::never());
    set_singleshot(w.vcpu(1), Nanoseconds::never());
    CHECK(next_timer() == Nanoseconds{2'002});
    CHECK(w.run_at(4'000) == Who{2});
    stop_timers(w.vcpu(0));
    CHECK(next_timer() == Nanoseconds::never());
    CHECK(w.run_at(9'000) == Who{});
}

TEST_CASE("single shot and period of one vcpu are two timers", "[time]") {
    TimerWorld w;
    set_periodic(w.vcpu(0), Nanoseconds{1'000});
    set_singleshot(w.vcpu(0), Nanoseconds{2'500});
    CHECK(next_timer() == Nanoseconds{2'000});
    CHECK(w.run_at(2'000) == Who{0});
    CHECK(next_timer() == Nanoseconds{2'500});
    CHECK(w.run_at(2'500) == Who{0});
    CHECK(next_timer() == Nanoseconds{3'000});
    CHECK(w.run_at(3'000) == Who{0});
}

TEST_CASE("a poll that has waited long enough ends, without a timer's event", "[time]") {
    TimerWorld w;
    std::array const polled{w.ports[1]};
    REQUIRE(start_poll(w.vcpu(0), polled).value());
    w.scheduler.block(w.vcpu(0));
    set_poll_limit(w.vcpu(0), Nanoseconds{2'000});
    CHECK(w.run_at(1'999) == Who{});
    CHECK(w.vcpu(0).sched.is_blocked);
    CHECK(w.run_at(2'000) == Who{});
    CHECK_FALSE(w.vcpu(0).sched.is_blocked);
    CHECK_FALSE(w.vcpu(0).is_polling);
    set_poll_limit(w.vcpu(0), Nanoseconds{3'000});
    CHECK(w.run_at(3'000) == Who{});  // nobody polls: nothing happens
}

TEST_CASE("a vcpu's timers are kept where it ran last", "[time]") {
    TimerWorld w;
    set_singleshot(w.vcpu(0), Nanoseconds{2'000});
    machine().pcpu = PcpuId{1};
    machine().kicks.clear();
    set_singleshot(w.vcpu(0), Nanoseconds{1'500});  // from another pcpu: theirs is told to look
    CHECK(machine().kicks == std::vector{PcpuId{0}});
    CHECK(next_timer() == Nanoseconds::never());
    CHECK(w.run_at(1'600) == Who{});

    bring_timers_here(w.vcpu(0));
    CHECK(next_timer() == Nanoseconds{1'500});
    CHECK(machine().timer == Nanoseconds{1'500});
    bring_timers_here(w.vcpu(0));
    bring_timers_here(w.vcpu(1));  // it has none to bring
    CHECK(next_timer() == Nanoseconds{1'500});
    CHECK(w.run_at(1'600) == Who{0});
    machine().pcpu = PcpuId{0};
    CHECK(next_timer() == Nanoseconds::never());
}

TEST_CASE("the timers of a pcpu that goes offline are kept with another", "[time]") {
    TimerWorld w;
    for (u32 i = 0; i < 3; ++i) set_singleshot(w.vcpu(i), Nanoseconds{4'000 - i});
    machine().pcpu = PcpuId{1};
    take_timers_over(w.system, PcpuId{0});
    CHECK(next_timer() == Nanoseconds{3'998});
    CHECK(machine().timer == Nanoseconds{3'998});
    CHECK(w.run_at(3'999) == Who{1, 2});
    machine().pcpu = PcpuId{0};
    CHECK(next_timer() == Nanoseconds::never());
    machine().pcpu = PcpuId{1};
    CHECK(w.run_at(4'000) == Who{0});
}
