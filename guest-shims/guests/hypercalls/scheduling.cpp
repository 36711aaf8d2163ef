// SPDX-License-Identifier: Apache-2.0
// sched_op (hypercall 29) and set_timer_op (15).
#include "support.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kMillisecond = 1000000;

struct Timer {
    EventPort port{};
    unsigned fired = 0;
    bool usable = false;
    Timer() {
        usable = bind_virq(VIRQ_TIMER, 0, port) == 0;
        set_event_handler(port, [](EventPort, void *context) { ++static_cast<Timer *>(context)->fired; }, this);
        if (usable) unmask_port(port);
    }
    ~Timer() {
        static_cast<void>(hv::set_timer_op(0));
        static_cast<void>(hv::vcpu_op(VCPUOP_stop_singleshot_timer, 0));
        if (!usable) return;
        mask_port(port);
        set_event_handler(port, nullptr, nullptr);
        static_cast<void>(close_port(port));
        clear_pending(port);
    }
};

long block() { return hv::sched_op(SCHEDOP_block); }

}  // namespace

HV_TEST(sched_yield_returns_zero) {
    for (unsigned i = 0; i < 10; ++i) HV_CHECK_EQ(hv::sched_op(SCHEDOP_yield), 0);
}

HV_TEST(sched_block_returns_at_once_when_an_event_is_pending) {
    EventPort port{};
    HV_REQUIRE_EQ(bind_ipi(0, port), 0);
    unmask_port(port);
    events_disable();
    HV_REQUIRE_EQ(send_event(port), 0);
    HV_CHECK_EQ(block(), 0);
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_mask, 0);  // block opens upcalls
    HV_CHECK(!port_pending(port));
    events_disable();
    mask_port(port);
    HV_CHECK_EQ(close_port(port), 0);
}

HV_TEST(timer_wakes_a_blocked_vcpu) {
    Timer timer;
    HV_REQUIRE(timer.usable);
    const u64 start = system_time_ns();
    HV_REQUIRE_EQ(hv::set_timer_op(start + 20 * kMillisecond), 0);
    while (timer.fired == 0) HV_REQUIRE_EQ(wait_for_event(), 0);
    HV_CHECK(system_time_ns() - start >= 20 * kMillisecond);
}

HV_TEST(timer_interrupts_a_running_vcpu) {
    Timer timer;
    HV_REQUIRE(timer.usable);
    HV_REQUIRE_EQ(hv::set_timer_op(system_time_ns() + 5 * kMillisecond), 0);
    events_enable();
    const u64 end = system_time_ns() + 20000 * kMillisecond;
    while (__atomic_load_n(&timer.fired, __ATOMIC_RELAXED) == 0 && system_time_ns() < end) asm volatile("pause");
    HV_CHECK(timer.fired > 0);
    events_disable();
}

HV_TEST(timer_in_the_past_fires_at_once) {
    Timer timer;
    HV_REQUIRE(timer.usable);
    HV_REQUIRE_EQ(hv::set_timer_op(1), 0);
    while (timer.fired == 0) HV_REQUIRE_EQ(wait_for_event(), 0);
    HV_CHECK(timer.fired > 0);
}

HV_TEST(timer_can_be_taken_back) {
    Timer timer;
    HV_REQUIRE(timer.usable);
    HV_REQUIRE_EQ(hv::set_timer_op(system_time_ns() + 2000000 * kMillisecond), 0);
    HV_REQUIRE_EQ(hv::set_timer_op(0), 0);
    HV_REQUIRE_EQ(hv::set_timer_op(system_time_ns() + kMillisecond), 0);
    while (timer.fired == 0) HV_REQUIRE_EQ(wait_for_event(), 0);
}

HV_TEST(timer_singleshot_of_vcpu_op) {
    Timer timer;
    HV_REQUIRE(timer.usable);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_stop_periodic_timer, 0), 0);
    const u64 start = system_time_ns();
    vcpu_set_singleshot_timer_t shot{start + 10 * kMillisecond, 0};
    HV_REQUIRE_EQ(hv::vcpu_op(VCPUOP_set_singleshot_timer, 0, &shot), 0);
    while (timer.fired == 0) HV_REQUIRE_EQ(wait_for_event(), 0);
    HV_CHECK(system_time_ns() - start >= 10 * kMillisecond);
    HV_CHECK_EQ(timer.fired, 1);
}

HV_TEST(timer_singleshot_in_the_past) {
    Timer timer;
    HV_REQUIRE(timer.usable);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_stop_periodic_timer, 0), 0);
    vcpu_set_singleshot_timer_t shot{1, 0};
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_set_singleshot_timer, 0, &shot), 0);
    while (timer.fired == 0) HV_REQUIRE_EQ(wait_for_event(), 0);
    shot.flags = VCPU_SSHOTTMR_future;  // documented as -ETIME; Xen 4.17 fires at once here too
    const long result = hv::vcpu_op(VCPUOP_set_singleshot_timer, 0, &shot);
    HV_CHECK(result == kETIME || result == 0);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_stop_singleshot_timer, 0), 0);
}

HV_TEST(timer_periodic_ticks_while_the_vcpu_runs) {
    Timer timer;
    HV_REQUIRE(timer.usable);
    vcpu_set_periodic_timer_t period{10 * kMillisecond};
    HV_REQUIRE_EQ(hv::vcpu_op(VCPUOP_set_periodic_timer, 0, &period), 0);
    events_enable();
    // Spins: Xen stops the periodic timer of a blocked vcpu.
    const u64 end = system_time_ns() + 20000 * kMillisecond;
    while (__atomic_load_n(&timer.fired, __ATOMIC_RELAXED) < 3 && system_time_ns() < end) asm volatile("pause");
    HV_CHECK(timer.fired >= 3);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_stop_periodic_timer, 0), 0);
    period.period_ns = 1000;  // shorter than Xen's lower limit of 1 ms
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_set_periodic_timer, 0, &period), kEINVAL);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_stop_periodic_timer, 0), 0);
    events_disable();
}

HV_TEST(time_advances_and_never_goes_back) {
    u64 last = system_time_ns();
    for (unsigned i = 0; i < 20000; ++i) {
        const u64 now = system_time_ns();
        HV_REQUIRE(now >= last);
        last = now;
    }
    HV_CHECK((vcpu_info().time.version & 1) == 0);
    HV_CHECK(tsc_khz() > 1000);
    HV_CHECK(wall_clock_seconds() > 1600000000);
}

HV_TEST(sched_poll_returns_when_the_port_is_pending) {
    EventPort port{};
    HV_REQUIRE_EQ(bind_ipi(0, port), 0);
    events_disable();
    HV_REQUIRE_EQ(send_event(port), 0);  // masked: no upcall, but poll sees it
    sched_poll_t poll{};
    evtchn_port_t ports[1] = {raw(port)};
    poll.ports.p = ports;
    poll.nr_ports = 1;
    HV_CHECK_EQ(hv::sched_op(SCHEDOP_poll, &poll), 0);
    clear_pending(port);
    HV_CHECK_EQ(close_port(port), 0);
}

HV_TEST(sched_poll_ends_by_its_timeout) {
    EventPort port{};
    HV_REQUIRE_EQ(bind_ipi(0, port), 0);
    events_disable();
    sched_poll_t poll{};
    evtchn_port_t ports[1] = {raw(port)};
    poll.ports.p = ports;
    poll.nr_ports = 1;
    const u64 start = system_time_ns();
    poll.timeout = start + 10 * kMillisecond;
    HV_CHECK_EQ(hv::sched_op(SCHEDOP_poll, &poll), 0);
    HV_CHECK(system_time_ns() >= poll.timeout);
    poll.timeout = 1;  // long past
    HV_CHECK_EQ(hv::sched_op(SCHEDOP_poll, &poll), 0);
    HV_CHECK_EQ(close_port(port), 0);
}

HV_TEST(sched_poll_errors) {
    sched_poll_t poll{};
    poll.timeout = 1;
    evtchn_port_t ports[1] = {0xffffffff};
    poll.ports.p = ports;
    poll.nr_ports = 1;
    HV_CHECK_EQ(hv::sched_op(SCHEDOP_poll, &poll), kEINVAL);
    poll.nr_ports = 129;
    HV_CHECK_EQ(hv::sched_op(SCHEDOP_poll, &poll), kEINVAL);
    poll.nr_ports = 1;
    for (const u64 bad : kBadPointers) {
        poll.ports.p = reinterpret_cast<evtchn_port_t *>(bad);
        HV_CHECK_EQ(hv::sched_op(SCHEDOP_poll, &poll), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, bad), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, bad), kEFAULT);
    }
}

HV_TEST(sched_unknown_commands_are_enosys) {
    HV_CHECK_EQ(hv::sched_op(99), kENOSYS);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_sched_op, 0xffffffff), kENOSYS);
}

HV_TEST(sched_remote_shutdown_of_unknown_domains_is_esrch) {
    HV_SKIP_IF(!is_initial_domain(), "only the initial domain may");
    sched_remote_shutdown_t request{1234, SHUTDOWN_crash};
    HV_CHECK_EQ(hv::sched_op(SCHEDOP_remote_shutdown, &request), kESRCH);
}

}  // namespace hospes::guest
