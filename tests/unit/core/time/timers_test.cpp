// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/time/timers.hpp"

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
