// SPDX-License-Identifier: Apache-2.0
// event_channel_op (hypercall 32), 2-level layout.
#include "support.hpp"

namespace hospes::guest {
namespace {

struct Counter {
    unsigned calls = 0;
    static void count(EventPort, void *context) { ++static_cast<Counter *>(context)->calls; }
};

evtchn_status_t status_of(EventPort port) {
    evtchn_status_t status{};
    status.dom = DOMID_SELF;
    status.port = raw(port);
    if (hv::event_channel_op(EVTCHNOP_status, &status) != 0) status.status = 999;
    return status;
}

/// Two ends of a channel of this domain with itself, both closed at the end.
struct Loop {
    EventPort near{}, far{};
    bool usable = false;
    Loop() {
        usable = alloc_unbound(DOMID_SELF, DOMID_SELF, near) == 0 && bind_interdomain(DOMID_SELF, near, far) == 0;
        clear_pending(far);
    }
    ~Loop() {
        if (!usable) return;
        static_cast<void>(close_port(far));
        static_cast<void>(close_port(near));
        clear_pending(near);
        clear_pending(far);
    }
};

}  // namespace

HV_TEST(event_ports_are_handed_out_lowest_first) {
    EventPort first{}, second{}, third{};
    HV_REQUIRE_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, first), 0);
    HV_REQUIRE_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, second), 0);
    HV_CHECK(raw(first) >= 1);
    HV_CHECK(raw(second) > raw(first));
    HV_CHECK_EQ(close_port(first), 0);
    HV_REQUIRE_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, third), 0);
    HV_CHECK(third == first);
    HV_CHECK_EQ(close_port(second), 0);
    HV_CHECK_EQ(close_port(third), 0);
}

HV_TEST(event_bind_interdomain_with_self_and_send_both_ways) {
    const Loop loop;
    HV_REQUIRE(loop.usable);
    Counter near, far;
    set_event_handler(loop.near, Counter::count, &near);
    set_event_handler(loop.far, Counter::count, &far);
    unmask_port(loop.near);
    unmask_port(loop.far);
    events_enable();
    HV_CHECK_EQ(send_event(loop.near), 0);
    HV_CHECK_EQ(far.calls, 1);
    HV_CHECK_EQ(near.calls, 0);
    HV_CHECK_EQ(send_event(loop.far), 0);
    HV_CHECK_EQ(near.calls, 1);
    events_disable();
    mask_port(loop.near);
    mask_port(loop.far);
}

HV_TEST(event_bind_interdomain_sets_the_local_port_pending) {
    EventPort near{}, far{};
    HV_REQUIRE_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, near), 0);
    HV_REQUIRE_EQ(bind_interdomain(DOMID_SELF, near, far), 0);
    HV_CHECK(port_pending(far));
    HV_CHECK(!port_pending(near));
    clear_pending(far);
    HV_CHECK_EQ(close_port(near), 0);
    HV_CHECK_EQ(close_port(far), 0);
}

HV_TEST(event_masked_port_becomes_pending_without_an_upcall) {
    const Loop loop;
    HV_REQUIRE(loop.usable);
    Counter counter;
    set_event_handler(loop.far, Counter::count, &counter);
    events_enable();
    const u64 upcalls = upcall_count();
    HV_CHECK_EQ(send_event(loop.near), 0);
    HV_CHECK(port_pending(loop.far));
    HV_CHECK_EQ(counter.calls, 0);
    HV_CHECK_EQ(upcall_count(), upcalls);
    unmask_port(loop.far);
    HV_CHECK_EQ(counter.calls, 1);
    HV_CHECK(!port_pending(loop.far));
    events_disable();
    mask_port(loop.far);
}

HV_TEST(event_upcall_waits_for_the_vcpu_mask) {
    const Loop loop;
    HV_REQUIRE(loop.usable);
    Counter counter;
    set_event_handler(loop.far, Counter::count, &counter);
    unmask_port(loop.far);
    events_disable();
    HV_CHECK_EQ(send_event(loop.near), 0);
    HV_CHECK_EQ(counter.calls, 0);
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_pending, 1);
    HV_CHECK((vcpu_info().evtchn_pending_sel & (1ULL << (raw(loop.far) / 64))) != 0);
    events_enable();
    HV_CHECK_EQ(counter.calls, 1);
    events_disable();
    mask_port(loop.far);
}

HV_TEST(event_upcall_reaches_the_kernel_from_user_mode) {
    const Loop loop;
    const UserSpace user;
    HV_REQUIRE(loop.usable && user.usable());
    static bool from_user;
    from_user = false;
    set_trap_hook(
        [](TrapFrame &frame, void *) {
            if (frame.vector == kVectorEvent) from_user = frame.from_user();
            return false;
        },
        nullptr);
    unmask_port(loop.far);
    HV_CHECK_EQ(send_event(loop.near), 0);
    TrapFrame start = user.initial_frame();
    start.rflags |= 0x200;  // the iret opens upcalls: the pending event comes before the first user instruction
    const u8 code[] = {0x0f, 0x05};
    HV_CHECK_EQ(user.run(code, sizeof code, start).vector(), kVectorSyscall);
    HV_CHECK(from_user);
    events_disable();
    mask_port(loop.far);
}

HV_TEST(event_status_of_each_kind) {
    const Loop loop;
    EventPort unbound{}, ipi{}, virq{};
    HV_REQUIRE(loop.usable);
    HV_REQUIRE_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, unbound), 0);
    HV_REQUIRE_EQ(bind_ipi(0, ipi), 0);
    HV_REQUIRE_EQ(bind_virq(VIRQ_DEBUG, 0, virq), 0);
    HV_CHECK_EQ(status_of(loop.near).status, EVTCHNSTAT_interdomain);
    HV_CHECK_EQ(status_of(loop.near).u.interdomain.port, raw(loop.far));
    HV_CHECK_EQ(status_of(unbound).status, EVTCHNSTAT_unbound);
    HV_CHECK_EQ(status_of(ipi).status, EVTCHNSTAT_ipi);
    HV_CHECK_EQ(status_of(virq).status, EVTCHNSTAT_virq);
    HV_CHECK_EQ(status_of(virq).u.virq, VIRQ_DEBUG);
    for (const EventPort port : {unbound, ipi, virq}) HV_CHECK_EQ(close_port(port), 0);
    HV_CHECK_EQ(status_of(ipi).status, EVTCHNSTAT_closed);
}

HV_TEST(event_close_of_one_end_leaves_the_other_unbound) {
    EventPort near{}, far{};
    HV_REQUIRE_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, near), 0);
    HV_REQUIRE_EQ(bind_interdomain(DOMID_SELF, near, far), 0);
    clear_pending(far);
    HV_CHECK_EQ(close_port(far), 0);
    HV_CHECK_EQ(status_of(near).status, EVTCHNSTAT_unbound);
    HV_CHECK_EQ(send_event(near), 0);  // dropped
    HV_CHECK_EQ(close_port(near), 0);
}

HV_TEST(event_ipi_to_self) {
    EventPort port{};
    HV_REQUIRE_EQ(bind_ipi(0, port), 0);
    Counter counter;
    set_event_handler(port, Counter::count, &counter);
    unmask_port(port);
    events_enable();
    for (unsigned i = 0; i < 100; ++i) HV_CHECK_EQ(send_event(port), 0);
    HV_CHECK_EQ(counter.calls, 100);
    events_disable();
    mask_port(port);
    HV_CHECK_EQ(close_port(port), 0);
}

HV_TEST(event_virq_is_bound_once) {
    EventPort port{}, again{};
    HV_REQUIRE_EQ(bind_virq(VIRQ_DEBUG, 0, port), 0);
    HV_CHECK_EQ(bind_virq(VIRQ_DEBUG, 0, again), kEEXIST);
    HV_CHECK_EQ(close_port(port), 0);
    HV_CHECK_EQ(bind_virq(VIRQ_DEBUG, 0, again), 0);
    HV_CHECK_EQ(close_port(again), 0);
}

HV_TEST(event_bind_errors) {
    EventPort port{};
    HV_CHECK_EQ(bind_virq(NR_VIRQS, 0, port), kEINVAL);
    HV_CHECK_EQ(bind_virq(0xffffffff, 0, port), kEINVAL);
    HV_CHECK_EQ(bind_virq(VIRQ_TIMER, 8191, port), kENOENT);
    HV_CHECK_EQ(bind_virq(VIRQ_DEBUG, 0xffffffff, port), kENOENT);
    HV_CHECK_EQ(bind_ipi(8191, port), kENOENT);
    HV_CHECK_EQ(bind_interdomain(DOMID_SELF, EventPort{0}, port), kEINVAL);
    HV_CHECK_EQ(bind_interdomain(DOMID_SELF, EventPort{4000}, port), kEINVAL);
    HV_CHECK_EQ(bind_interdomain(DOMID_SELF, EventPort{0xffffffff}, port), kEINVAL);
    HV_CHECK_EQ(bind_interdomain(1234, EventPort{1}, port), kESRCH);
    HV_CHECK(is_missing_domain(alloc_unbound(1234, DOMID_SELF, port)));
}

HV_TEST(event_bad_ports_are_einval) {
    for (const u32 port : {0U, 4000U, 4096U, 0x7fffffffU, 0xffffffffU}) {
        HV_CHECK_EQ(close_port(EventPort{port}), kEINVAL);
        HV_CHECK_EQ(send_event(EventPort{port}), kEINVAL);
        evtchn_bind_vcpu_t move{port, 0};
        HV_CHECK_EQ(hv::event_channel_op(EVTCHNOP_bind_vcpu, &move), kEINVAL);
    }
    evtchn_unmask_t unmask{0xffffffff};
    HV_CHECK_EQ(hv::event_channel_op(EVTCHNOP_unmask, &unmask), kEINVAL);
}

HV_TEST(event_send_needs_a_port_that_can_be_sent_to) {
    EventPort virq{};
    HV_REQUIRE_EQ(bind_virq(VIRQ_DEBUG, 0, virq), 0);
    HV_CHECK_EQ(send_event(virq), kEINVAL);
    HV_CHECK_EQ(close_port(virq), 0);
}

HV_TEST(event_bind_vcpu) {
    const Loop loop;
    HV_REQUIRE(loop.usable);
    evtchn_bind_vcpu_t move{raw(loop.near), 0};
    HV_CHECK_EQ(hv::event_channel_op(EVTCHNOP_bind_vcpu, &move), 0);
    move.vcpu = 8191;
    HV_CHECK_EQ(hv::event_channel_op(EVTCHNOP_bind_vcpu, &move), kENOENT);
    EventPort ipi{}, virq{};
    HV_REQUIRE_EQ(bind_ipi(0, ipi), 0);
    HV_REQUIRE_EQ(bind_virq(VIRQ_DEBUG, 0, virq), 0);
    move = {raw(ipi), 0};
    HV_CHECK_EQ(hv::event_channel_op(EVTCHNOP_bind_vcpu, &move), kEINVAL);
    move = {raw(virq), 0};
    HV_CHECK_EQ(hv::event_channel_op(EVTCHNOP_bind_vcpu, &move), kEINVAL);
    HV_CHECK_EQ(close_port(ipi), 0);
    HV_CHECK_EQ(close_port(virq), 0);
}

HV_TEST(event_unknown_commands_and_bad_pointers) {
    HV_CHECK_EQ(hypercall(__HYPERVISOR_event_channel_op, 99, address_of(kBadPointers)), kENOSYS);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_event_channel_op, 0xffffffff, address_of(kBadPointers)), kENOSYS);
    for (const u64 bad : kBadPointers) {
        for (const u32 command : {EVTCHNOP_send, EVTCHNOP_close, EVTCHNOP_alloc_unbound, EVTCHNOP_bind_virq, EVTCHNOP_status, EVTCHNOP_unmask})
            HV_CHECK_EQ(hypercall(__HYPERVISOR_event_channel_op, command, bad), kEFAULT);
    }
}

HV_TEST(event_failed_copy_back_does_not_leak_the_port) {
    EventPort before{}, after{};
    HV_REQUIRE_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, before), 0);
    HV_REQUIRE_EQ(close_port(before), 0);
    const Page page;
    auto *request = static_cast<evtchn_alloc_unbound_t *>(page.data());
    *request = {DOMID_SELF, DOMID_SELF, 0};
    HV_REQUIRE_EQ(page.make_read_only(), 0);
    HV_CHECK_EQ(hv::event_channel_op(EVTCHNOP_alloc_unbound, request), kEFAULT);
    HV_REQUIRE_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, after), 0);
    HV_CHECK(raw(after) <= raw(before) + 1);
    HV_CHECK_EQ(close_port(after), 0);
}

HV_TEST(event_every_port_can_be_allocated_and_freed) {
    unsigned count = 0;
    EventPort first{}, port{}, last{};
    long result = 0;
    while ((result = alloc_unbound(DOMID_SELF, DOMID_SELF, port)) == 0) {
        if (count++ == 0) first = port;
        last = port;
    }
    HV_CHECK_EQ(result, kENOSPC);
    HV_CHECK(count > 1000);
    HV_CHECK(raw(last) < kMaxPorts);
    for (u32 i = raw(first); i <= raw(last); ++i) static_cast<void>(close_port(EventPort{i}));
    HV_CHECK_EQ(alloc_unbound(DOMID_SELF, DOMID_SELF, port), 0);
    HV_CHECK(port == first);
    HV_CHECK_EQ(close_port(port), 0);
}

}  // namespace hospes::guest
