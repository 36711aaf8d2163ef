// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Sched : Stage {
    i64 op(Vcpu& caller, u64 command, u64 argument = 0) { return World::hypercall(caller, __HYPERVISOR_sched_op, {command, argument}); }
    i64 poll(std::vector<evtchn_port_t> const& list, u64 timeout) {
        auto& ports = arguments<evtchn_port_t>(list.size() + 1);
        for (usize i = 0; i < list.size(); ++i) ports[i] = list[i];
        sched_poll_t request{};
        request.nr_ports = static_cast<unsigned>(list.size());
        request.timeout = timeout;
        request.ports.p = reinterpret_cast<evtchn_port_t*>(ports.address());
        return op(one.vcpu, SCHEDOP_poll, pointer_to(request));
    }
    bool sleeps() const { return one.vcpu.sched.is_blocked; }
    void make_pending(u32 port) { one.domain.shared_info->evtchn_pending[0] |= u64{1} << port; }
    i64 shutdown(Vcpu& caller, u64 command, unsigned reason) { return op(caller, command, pointer_to(sched_shutdown_t{reason})); }
};

}  // namespace

TEST_CASE("block sleeps unless an event waits, and opens the upcalls", "[hypercall][sched]") {
    Sched w;
    (void)mask_events(w.one.vcpu);
    CHECK(w.op(w.one.vcpu, SCHEDOP_block) == 0);
    CHECK(w.sleeps());
    CHECK(!are_events_masked(w.one.vcpu));
    w.scheduler.wake(w.one.vcpu);
    (void)test_and_set_upcall_pending(w.one.vcpu);
    CHECK(w.op(w.one.vcpu, SCHEDOP_block) == 0);
    CHECK(!w.sleeps());
}

TEST_CASE("poll sleeps until its time or its port, and not at all if that is now", "[hypercall][sched]") {
    Sched w;
    machine().now = Nanoseconds{1000};
    CHECK(w.poll({3, 4}, 0) == 0);
    CHECK(w.sleeps());
    CHECK(w.one.vcpu.timers.poll_limit == Nanoseconds::never());
    w.scheduler.wake(w.one.vcpu);

    CHECK(w.poll({3}, 5000) == 0);
    CHECK(w.sleeps());
    CHECK(w.one.vcpu.timers.poll_limit == Nanoseconds{5000});
    w.scheduler.wake(w.one.vcpu);

    CHECK(w.poll({3}, 999) == 0);  // over already
    CHECK(!w.sleeps());
    CHECK(!w.one.vcpu.is_polling);

    w.make_pending(4);
    CHECK(w.poll({3, 4}, 0) == 0);
    CHECK(!w.sleeps());
    CHECK(!w.one.vcpu.is_polling);
}

TEST_CASE("a poll that is refused leaves the vcpu awake", "[hypercall][sched]") {
    Sched w;
    CHECK_REFUSED(w, Errno::invalid, w.poll({3, 4096}, 0));  // no such port
    CHECK_REFUSED(w, Errno::invalid, w.poll(std::vector<evtchn_port_t>(129, 1), 0));
    CHECK_REFUSED(w, Errno::fault, w.op(w.one.vcpu, SCHEDOP_poll, kNowhere));
    CHECK(!w.sleeps());
}

TEST_CASE("a domain stops with its reason", "[hypercall][sched]") {
    Sched w;
    CHECK(w.shutdown(w.one.vcpu, SCHEDOP_shutdown_code, SHUTDOWN_suspend) == 0);
    CHECK(!w.one.domain.is_shut_down);
    CHECK(w.one.domain.shutdown_reason == ShutdownReason::suspend);
    // The first code is the reason.
    CHECK(w.shutdown(w.one.vcpu, SCHEDOP_shutdown_code, SHUTDOWN_poweroff) == 0);
    CHECK(w.shutdown(w.one.vcpu, SCHEDOP_shutdown, SHUTDOWN_reboot) == 0);
    CHECK(w.one.domain.is_shut_down);
    CHECK(w.one.domain.shutdown_reason == ShutdownReason::suspend);
    // It is stopped already: what another of its vcpus says comes too late.
    CHECK(w.shutdown(*w.one.domain.vcpus[1], SCHEDOP_shutdown, SHUTDOWN_crash) == 0);
    CHECK(w.one.domain.shutdown_reason == ShutdownReason::suspend);
    CHECK(w.shutdown(w.two.vcpu, SCHEDOP_shutdown, SHUTDOWN_reboot) == 0);
    CHECK(w.two.domain.shutdown_reason == ShutdownReason::reboot);
    CHECK_REFUSED(w, Errno::invalid, w.shutdown(w.two.vcpu, SCHEDOP_shutdown, SHUTDOWN_MAX + 1));
    CHECK_REFUSED(w, Errno::invalid, w.shutdown(w.two.vcpu, SCHEDOP_shutdown_code, SHUTDOWN_MAX + 1));
}

TEST_CASE("dom0's shutdown is the machine's", "[hypercall][sched]") {
    Sched w;
    using Catch::Matchers::Message;
    CHECK_THROWS_MATCHES(w.shutdown(w.zero.vcpu, SCHEDOP_shutdown, SHUTDOWN_poweroff), HostPanic, Message("the machine powers off"));
    CHECK_THROWS_MATCHES(w.shutdown(w.zero.vcpu, SCHEDOP_shutdown, SHUTDOWN_reboot), HostPanic, Message("the machine restarts"));
    CHECK_THROWS_MATCHES(w.shutdown(w.zero.vcpu, SCHEDOP_shutdown, SHUTDOWN_crash), HostPanic, Message("dom0 has crashed"));
}

TEST_CASE("only dom0 stops another domain", "[hypercall][sched]") {
    Sched w;
    auto const stop = [&](Vcpu& caller, u16 domain, unsigned reason) {
        return w.op(caller, SCHEDOP_remote_shutdown, w.pointer_to(sched_remote_shutdown_t{domain, reason}));
    };
    CHECK_REFUSED(w, Errno::perm, stop(w.one.vcpu, 2, SHUTDOWN_poweroff));
    CHECK_REFUSED(w, Errno::no_such_domain, stop(w.zero.vcpu, 99, SHUTDOWN_poweroff));
    CHECK_REFUSED(w, Errno::invalid, stop(w.zero.vcpu, 0, SHUTDOWN_poweroff));
    CHECK_REFUSED(w, Errno::invalid, stop(w.zero.vcpu, 2, SHUTDOWN_MAX + 1));
    CHECK(stop(w.zero.vcpu, 2, SHUTDOWN_poweroff) == 0);
    CHECK(w.two.domain.is_shut_down);
}

TEST_CASE("sched_op has nothing else", "[hypercall][sched]") {
    Sched w;
    CHECK(w.op(w.one.vcpu, SCHEDOP_yield) == 0);
    CHECK_REFUSED(w, Errno::no_system_call, w.op(w.one.vcpu, 99));
    CHECK_REFUSED(w, Errno::no_system_call, w.op(w.one.vcpu, SCHEDOP_watchdog, kNowhere));
}
