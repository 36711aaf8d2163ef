// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/x86/layout.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Vcpus : Stage {
    i64 op(u64 command, u64 vcpu, u64 argument = 0) { return World::hypercall(one.vcpu, __HYPERVISOR_vcpu_op, {command, vcpu, argument}); }
    i64 single_shot(u64 vcpu, u64 at, u32 flags) { return op(VCPUOP_set_singleshot_timer, vcpu, pointer_to(vcpu_set_singleshot_timer_t{at, flags})); }
    i64 periodic(u64 period) { return op(VCPUOP_set_periodic_timer, 0, pointer_to(vcpu_set_periodic_timer_t{period})); }
    i64 register_info(u64 vcpu, Mfn frame, u32 offset) {
        return op(VCPUOP_register_vcpu_info, vcpu, pointer_to(vcpu_register_vcpu_info_t{frame.raw(), offset, 0}));
    }
    VcpuTimers& timers = one.vcpu.timers;
};

}  // namespace

TEST_CASE("vcpu_op names a vcpu of the caller's and an operation that exists", "[hypercall][vcpu]") {
    Vcpus w;
    CHECK_REFUSED(w, Errno::no_entry, w.op(VCPUOP_is_up, 2));
    CHECK_REFUSED(w, Errno::no_entry, w.op(VCPUOP_is_up, u64{1} << 32));
    CHECK_REFUSED(w, Errno::no_system_call, w.op(99, 0));
    CHECK_REFUSED(w, Errno::no_system_call, w.op(VCPUOP_get_physid, 0));
}

TEST_CASE("a runstate area of another vcpu is written later, the caller's own at once", "[hypercall][vcpu]") {
    Vcpus w;
    auto& area = w.arguments<vcpu_runstate_info_t>();
    area->state = 99;
    u64 const address = area.address();
    CHECK(w.op(VCPUOP_register_runstate_memory_area, 1, w.pointer_to(address)) == 0);
    CHECK(w.one.domain.vcpus[1]->runstate_area == GuestAddress{address});
    CHECK(area->state == 99);
    CHECK(w.op(VCPUOP_register_runstate_memory_area, 0, w.pointer_to(address)) == 0);
    CHECK(area->state == RUNSTATE_runnable);
    CHECK_REFUSED(w, Errno::fault, w.op(VCPUOP_register_runstate_memory_area, 0, w.pointer_to(kHypervisorStart)));
    CHECK_REFUSED(w, Errno::fault, w.op(VCPUOP_register_runstate_memory_area, 0, w.pointer_to(kNowhere)));
    CHECK(w.op(VCPUOP_register_runstate_memory_area, 0, w.pointer_to(u64{0})) == 0);
    CHECK(w.one.vcpu.runstate_area == GuestAddress{0});
}

TEST_CASE("runstate information is the vcpu's that was named", "[hypercall][vcpu]") {
    Vcpus w;
    machine().now = Nanoseconds{500};
    auto& info = w.arguments<vcpu_runstate_info_t>();
    CHECK(w.op(VCPUOP_get_runstate_info, 1, info.address()) == 0);
    CHECK(info->state == RUNSTATE_runnable);
    CHECK(info->time[RUNSTATE_runnable] == 500);
    CHECK(w.op(VCPUOP_get_runstate_info, 1, kNowhere) == to_abi(Errno::fault));
}

TEST_CASE("a single-shot timer is set and stopped by its own vcpu", "[hypercall][vcpu]") {
    Vcpus w;
    machine().now = Nanoseconds{1000};
    CHECK(w.single_shot(0, 5000, 0) == 0);
    CHECK(w.timers.singleshot == Nanoseconds{5000});
    CHECK_REFUSED(w, Errno::time, w.single_shot(0, 999, VCPU_SSHOTTMR_future));
    CHECK(w.single_shot(0, 1000, VCPU_SSHOTTMR_future) == 0);
    CHECK(w.single_shot(0, 999, 0) == 0);  // fires at once
    CHECK(w.timers.singleshot == Nanoseconds{999});
    CHECK_REFUSED(w, Errno::invalid, w.single_shot(1, 5000, 0));
    CHECK_REFUSED(w, Errno::invalid, w.op(VCPUOP_stop_singleshot_timer, 1));
    CHECK(w.op(VCPUOP_stop_singleshot_timer, 0) == 0);
    CHECK(w.timers.singleshot == Nanoseconds::never());
}

TEST_CASE("set_timer_op sets the same timer, and 0 stops it", "[hypercall][vcpu]") {
    Vcpus w;
    CHECK(World::hypercall(w.one.vcpu, __HYPERVISOR_set_timer_op, {7000}) == 0);
    CHECK(w.timers.singleshot == Nanoseconds{7000});
    CHECK(World::hypercall(w.one.vcpu, __HYPERVISOR_set_timer_op, {0}) == 0);
    CHECK(w.timers.singleshot == Nanoseconds::never());
}

TEST_CASE("a periodic timer has a shortest period", "[hypercall][vcpu]") {
    Vcpus w;
    CHECK_REFUSED(w, Errno::invalid, w.periodic(999'999));
    CHECK(w.periodic(1'000'000) == 0);
    CHECK(w.timers.periodic_next == Nanoseconds{1'000'000});
    CHECK(w.op(VCPUOP_stop_periodic_timer, 0) == 0);
    CHECK(w.timers.periodic_next == Nanoseconds::never());
}

TEST_CASE("a vcpu_info moves once, to a page of the domain's own", "[hypercall][vcpu]") {
    Vcpus w;
    CHECK_REFUSED(w, Errno::invalid, w.register_info(0, w.two.pages[0], 0));
    CHECK_REFUSED(w, Errno::invalid, w.register_info(0, w.one.space.l1, 0));
    CHECK_REFUSED(w, Errno::invalid, w.register_info(0, w.one.pages[0], 4));
    CHECK_REFUSED(w, Errno::invalid, w.register_info(0, w.one.pages[0], kPageSize - 8));
    CHECK(w.register_info(0, w.one.pages[0], 64) == 0);
    CHECK_REFUSED(w, Errno::invalid, w.register_info(0, w.one.pages[1], 64));
    Vcpu& sibling = *w.one.domain.vcpus[1];
    sibling.is_up = true;
    CHECK_REFUSED(w, Errno::invalid, w.register_info(1, w.one.pages[0], 128));
    sibling.is_up = false;
    CHECK(w.register_info(1, w.one.pages[0], 128) == 0);
}

TEST_CASE("the last vcpu that goes down takes its domain with it", "[hypercall][vcpu]") {
    Vcpus w;
    CHECK(w.op(VCPUOP_down, 1) == 0);
    CHECK(!w.one.domain.is_shut_down);
    CHECK(w.op(VCPUOP_down, 0) == 0);
    CHECK(w.one.domain.is_shut_down);
    CHECK(w.one.domain.shutdown_reason == ShutdownReason::poweroff);
}
