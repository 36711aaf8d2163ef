// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/hypercall.hpp"
#include "tests/unit/hypercall/faults/scenario.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

template <typename Op>
Call event_op(Scene& s, Vcpu& caller, u64 command, Op const& op) {
    auto& argument = s.arguments<Op>();
    *argument = op;
    return {caller, __HYPERVISOR_event_channel_op, {command, argument.address()}};
}

u32 unbound_port(Domain& domain, DomId remote) { return domain.events.make_unbound(domain.events.reserve().take(), remote).raw(); }

// A port of domain one that is bound to domain two.
void connect(Scene& s) {
    u32 const remote = unbound_port(s.two.domain, DomId{1});
    PortReservation port = s.one.domain.events.reserve().take();
    s.port = port.port().raw();
    REQUIRE(s.one.domain.events.bind_interdomain(std::move(port), s.two.domain, EventPort{remote}).ok());
}

void bind_ipi(Scene& s) {
    PortReservation port = s.one.domain.events.reserve().take();
    s.port = port.port().raw();
    REQUIRE(s.one.domain.events.bind_ipi(std::move(port), VcpuId{0}).ok());
}

// Fills the page of ports, so that the next port takes a new one.
void use_up_ports(Scene& s) {
    for (unsigned i = 1; i < kPageSize / sizeof(Port); ++i) unbound_port(s.one.domain, DomId{2});
}

constexpr Scenario kScenarios[] = {
    {.name = "alloc_unbound",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_alloc_unbound, evtchn_alloc_unbound_t{DOMID_SELF, 2, 0}); }},
    {.name = "alloc_unbound by dom0",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return event_op(s, s.zero.vcpu, EVTCHNOP_alloc_unbound, evtchn_alloc_unbound_t{1, 2, 0}); }},
    {.name = "alloc_unbound with a table that grows",
     .set_up = use_up_ports,
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_alloc_unbound, evtchn_alloc_unbound_t{DOMID_SELF, 2, 0}); },
     .keeps = Keeps::grown_tables},
    {.name = "bind_interdomain",
     .set_up = [](Scene& s) { s.port = unbound_port(s.two.domain, DomId{1}); },
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_bind_interdomain, evtchn_bind_interdomain_t{2, s.port, 0}); }},
    {.name = "bind_virq",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_bind_virq, evtchn_bind_virq_t{VIRQ_TIMER, 1, 0}); }},
    {.name = "bind_ipi",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_bind_ipi, evtchn_bind_ipi_t{1, 0}); }},
    {.name = "bind_pirq",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return event_op(s, s.zero.vcpu, EVTCHNOP_bind_pirq, evtchn_bind_pirq_t{9, 0, 0}); }},
    {.name = "close",
     .set_up = connect,
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_close, evtchn_close_t{s.port}); }},
    {.name = "send",
     .set_up = connect,
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_send, evtchn_send_t{s.port}); }},
    {.name = "send to itself",
     .set_up = bind_ipi,
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_send, evtchn_send_t{s.port}); }},
    {.name = "status",
     .set_up = connect,
     .call =
         [](Scene& s, unsigned) {
             evtchn_status_t op{};
             op.dom = DOMID_SELF;
             op.port = s.port;
             return event_op(s, s.one.vcpu, EVTCHNOP_status, op);
         }},
    {.name = "bind_vcpu",
     .set_up = connect,
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_bind_vcpu, evtchn_bind_vcpu_t{s.port, 1}); }},
    {.name = "unmask",
     .set_up =
         [](Scene& s) {
             connect(s);
             s.one.domain.shared_info->evtchn_mask[0] = ~0ul;
         },
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_unmask, evtchn_unmask_t{s.port}); }},
    {.name = "reset",
     .set_up =
         [](Scene& s) {
             connect(s);
             bind_ipi(s);
         },
     .call = [](Scene& s, unsigned) { return event_op(s, s.one.vcpu, EVTCHNOP_reset, evtchn_reset_t{DOMID_SELF}); }},
};

}  // namespace

TEST_CASE("event_channel_op fails cleanly wherever it can fail", "[hypercall][faults][event]") { run_with_faults(kScenarios); }
