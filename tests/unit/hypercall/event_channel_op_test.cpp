// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/event_channel_op.hpp"

#include "tests/support/hypervisor/fake_pirq.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Calls : World {
    template <typename Op>
    i64 op(Domain& caller, u64 command, GuestArray<Op>& arg) {
        return call(*caller.vcpus[0], hypercall_event_channel_op, command, arg.address());
    }
    u32 alloc_unbound(Domain& caller, u16 domain, u16 remote) {
        GuestArray<evtchn_alloc_unbound_t> arg;
        arg->dom = domain;
        arg->remote_dom = remote;
        REQUIRE(op(caller, EVTCHNOP_alloc_unbound, arg) == 0);
        return arg->port;
    }
    evtchn_status_t status(Domain& domain, u32 port) {
        GuestArray<evtchn_status_t> arg;
        arg->dom = domain.id().raw();
        arg->port = port;
        REQUIRE(op(dom0(), EVTCHNOP_status, arg) == 0);
        return *arg;
    }

    Domain& one = add_domain(1);
    Domain& two = add_domain(2);
};

}  // namespace

TEST_CASE("dom0 makes a port for a domain, which dom0 then binds", "[hypercall][event]") {
    Calls w;
    u32 const port = w.alloc_unbound(w.dom0(), 1, 0);
    CHECK(w.status(w.one, port).status == EVTCHNSTAT_unbound);
    CHECK(w.status(w.one, port).u.unbound.dom == 0);

    GuestArray<evtchn_bind_interdomain_t> bind;
    bind->remote_dom = 1;
    bind->remote_port = port;
    REQUIRE(w.op(w.dom0(), EVTCHNOP_bind_interdomain, bind) == 0);
    evtchn_status_t const status = w.status(w.one, port);
    CHECK(status.status == EVTCHNSTAT_interdomain);
    CHECK(status.u.interdomain.dom == 0);
    CHECK(status.u.interdomain.port == bind->local_port);
}

TEST_CASE("DOMID_SELF names the caller in both places of alloc_unbound", "[hypercall][event]") {
    Calls w;
    u32 const port = w.alloc_unbound(w.two, DOMID_SELF, DOMID_SELF);
    CHECK(w.status(w.two, port).u.unbound.dom == 2);
    u32 const other = w.alloc_unbound(w.dom0(), 2, DOMID_SELF);
    CHECK(w.status(w.two, other).u.unbound.dom == 0);
}

TEST_CASE("only the control domain acts on another domain's ports", "[hypercall][event]") {
    Calls w;
    GuestArray<evtchn_alloc_unbound_t> alloc;
    alloc->dom = 1;
    CHECK(w.op(w.two, EVTCHNOP_alloc_unbound, alloc) == -1);
    GuestArray<evtchn_status_t> status;
    status->dom = 1;
    status->port = 1;
    CHECK(w.op(w.two, EVTCHNOP_status, status) == -1);
    GuestArray<evtchn_reset_t> reset;
    reset->dom = 1;
    CHECK(w.op(w.two, EVTCHNOP_reset, reset) == -1);
    GuestArray<evtchn_bind_pirq_t> pirq;
    CHECK(w.op(w.two, EVTCHNOP_bind_pirq, pirq) == -1);
    alloc->dom = 77;
    CHECK(w.op(w.dom0(), EVTCHNOP_alloc_unbound, alloc) == -3);
}

TEST_CASE("a port number that cannot be told to the guest is not taken", "[hypercall][event]") {
    Calls w;
    pirqs() = FakePirqs{};
    GuestArray<evtchn_alloc_unbound_t> alloc;
    alloc->dom = DOMID_SELF;
    GuestArray<evtchn_bind_virq_t> virq;
    GuestArray<evtchn_bind_pirq_t> pirq;
    GuestArray<evtchn_bind_ipi_t> ipi;
    GuestArray<evtchn_bind_interdomain_t> interdomain;
    guest_memory().fault_after = 1;  // the read succeeds, the write does not
    CHECK(w.op(w.dom0(), EVTCHNOP_alloc_unbound, alloc) == -14);
    guest_memory().fault_after = 1;
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_virq, virq) == -14);
    guest_memory().fault_after = 1;
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_pirq, pirq) == -14);
    guest_memory().fault_after = 1;
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_ipi, ipi) == -14);
    guest_memory().fault_after = 1;
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_interdomain, interdomain) == -14);
    guest_memory().fault_after = -1;
    CHECK(pirqs().bound.empty());
    CHECK(w.dom0().vcpus[0]->virq_ports[0] == EventPort{});
    CHECK(w.alloc_unbound(w.dom0(), DOMID_SELF, 1) == 1);
}

TEST_CASE("the FIFO operations and unknown ones do not exist", "[hypercall][event]") {
    Calls w;
    GuestArray<u64> any{8};
    for (u64 const command : {u64{EVTCHNOP_init_control}, u64{EVTCHNOP_expand_array}, u64{EVTCHNOP_set_priority}, u64{14}, ~u64{0},
                              u64{1} << 32})
        CHECK(w.op(w.one, command, any) == -38);
}

TEST_CASE("every operation with a bad pointer is EFAULT", "[hypercall][event]") {
    Calls w;
    for (u64 command = EVTCHNOP_bind_interdomain; command <= EVTCHNOP_reset; ++command)
        CHECK(w.call(*w.dom0().vcpus[0], hypercall_event_channel_op, command, 0x10) == -14);
}

TEST_CASE("reset closes all, however often it is interrupted", "[hypercall][event]") {
    Calls w;
    for (int i = 0; i < 40; ++i) (void)w.alloc_unbound(w.one, DOMID_SELF, 2);
    GuestArray<evtchn_reset_t> reset;
    reset->dom = DOMID_SELF;
    machine().preempt_after = 3;
    CHECK(w.op(w.one, EVTCHNOP_reset, reset) == 0);
    CHECK(machine().preempt_questions >= 40);
    CHECK(w.alloc_unbound(w.one, DOMID_SELF, 2) == 1);
}

TEST_CASE("status tells of every kind of port what it is bound to", "[hypercall][event]") {
    Calls w;
    pirqs() = FakePirqs{};
    GuestArray<evtchn_bind_virq_t> virq;
    virq->virq = VIRQ_TIMER;
    REQUIRE(w.op(w.dom0(), EVTCHNOP_bind_virq, virq) == 0);
    GuestArray<evtchn_bind_ipi_t> ipi;
    REQUIRE(w.op(w.dom0(), EVTCHNOP_bind_ipi, ipi) == 0);
    GuestArray<evtchn_bind_pirq_t> pirq;
    pirq->pirq = 9;
    REQUIRE(w.op(w.dom0(), EVTCHNOP_bind_pirq, pirq) == 0);
    CHECK(w.status(w.dom0(), virq->port).status == EVTCHNSTAT_virq);
    CHECK(w.status(w.dom0(), virq->port).u.virq == VIRQ_TIMER);
    CHECK(w.status(w.dom0(), ipi->port).status == EVTCHNSTAT_ipi);
    CHECK(w.status(w.dom0(), pirq->port).status == EVTCHNSTAT_pirq);
    CHECK(w.status(w.dom0(), pirq->port).u.pirq == 9);
    CHECK(w.status(w.dom0(), pirq->port + 1).status == EVTCHNSTAT_closed);
    GuestArray<evtchn_status_t> status;
    status->dom = DOMID_SELF;
    status->port = 1u << 20;
    CHECK(w.op(w.dom0(), EVTCHNOP_status, status) == to_abi(Errno::invalid));
    status->dom = 77;
    CHECK(w.op(w.dom0(), EVTCHNOP_status, status) == to_abi(Errno::no_such_domain));
}

TEST_CASE("what cannot be bound is refused, and takes no port", "[hypercall][event]") {
    Calls w;
    pirqs() = FakePirqs{};
    GuestArray<evtchn_bind_interdomain_t> interdomain;
    interdomain->remote_dom = 77;
    CHECK(w.op(w.one, EVTCHNOP_bind_interdomain, interdomain) == to_abi(Errno::no_such_domain));
    interdomain->remote_dom = 2;
    interdomain->remote_port = 3;  // nobody has made it
    CHECK(w.op(w.one, EVTCHNOP_bind_interdomain, interdomain) == to_abi(Errno::invalid));
    GuestArray<evtchn_bind_virq_t> virq;
    virq->virq = 24;
    CHECK(w.op(w.one, EVTCHNOP_bind_virq, virq) == to_abi(Errno::invalid));
    virq->virq = VIRQ_TIMER;
    virq->vcpu = 1;
    CHECK(w.op(w.one, EVTCHNOP_bind_virq, virq) == to_abi(Errno::no_entry));
    GuestArray<evtchn_bind_ipi_t> ipi;
    ipi->vcpu = ~0u;
    CHECK(w.op(w.one, EVTCHNOP_bind_ipi, ipi) == to_abi(Errno::no_entry));
    GuestArray<evtchn_bind_pirq_t> pirq;
    pirq->pirq = 200;
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_pirq, pirq) < 0);
    CHECK(w.alloc_unbound(w.one, DOMID_SELF, 2) == 1);
    CHECK(w.alloc_unbound(w.dom0(), DOMID_SELF, 2) == 1);
}

TEST_CASE("a domain whose ports are all taken gets none of any kind", "[hypercall][event]") {
    Calls w;
    pirqs() = FakePirqs{};
    w.dom0().events.limit_ports(1);
    (void)w.alloc_unbound(w.dom0(), DOMID_SELF, 1);
    u32 const remote = w.alloc_unbound(w.one, DOMID_SELF, 0);
    GuestArray<evtchn_alloc_unbound_t> unbound;
    unbound->dom = DOMID_SELF;
    GuestArray<evtchn_bind_interdomain_t> interdomain;
    interdomain->remote_dom = 1;
    interdomain->remote_port = remote;
    GuestArray<evtchn_bind_virq_t> virq;
    GuestArray<evtchn_bind_pirq_t> pirq;
    GuestArray<evtchn_bind_ipi_t> ipi;
    CHECK(w.op(w.dom0(), EVTCHNOP_alloc_unbound, unbound) == to_abi(Errno::no_space));
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_interdomain, interdomain) == to_abi(Errno::no_space));
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_virq, virq) == to_abi(Errno::no_space));
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_pirq, pirq) == to_abi(Errno::no_space));
    CHECK(w.op(w.dom0(), EVTCHNOP_bind_ipi, ipi) == to_abi(Errno::no_space));
    CHECK(w.status(w.one, remote).status == EVTCHNSTAT_unbound);
}

TEST_CASE("ports that are not there are not used", "[hypercall][event]") {
    Calls w;
    u32 const port = w.alloc_unbound(w.one, DOMID_SELF, 2);
    for (u32 const absent : {0u, port + 1, 4096u, ~0u}) {
        GuestArray<evtchn_close_t> close;
        close->port = absent;
        CHECK(w.op(w.one, EVTCHNOP_close, close) == to_abi(Errno::invalid));
        GuestArray<evtchn_send_t> send;
        send->port = absent;
        CHECK(w.op(w.one, EVTCHNOP_send, send) == to_abi(Errno::invalid));
        GuestArray<evtchn_bind_vcpu_t> bind;
        *bind = {absent, 0};
        CHECK(w.op(w.one, EVTCHNOP_bind_vcpu, bind) == to_abi(Errno::invalid));
    }
    GuestArray<evtchn_unmask_t> unmask;
    unmask->port = 4096;
    CHECK(w.op(w.one, EVTCHNOP_unmask, unmask) == to_abi(Errno::invalid));
    GuestArray<evtchn_bind_vcpu_t> bind;
    *bind = {port, 1};
    CHECK(w.op(w.one, EVTCHNOP_bind_vcpu, bind) == to_abi(Errno::no_entry));
    GuestArray<evtchn_reset_t> reset;
    reset->dom = 77;
    CHECK(w.op(w.dom0(), EVTCHNOP_reset, reset) == to_abi(Errno::no_such_domain));
}
