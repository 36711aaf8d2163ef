// SPDX-License-Identifier: Apache-2.0
// Event-channel operations on ports that exist.
#include "hypervisor/hypercall/event_channel_op.hpp"
#include "hypervisor/hypercall/foreign.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

u32 abi_state(PortState state) {
    switch (state) {
    case PortState::unbound: return EVTCHNSTAT_unbound;
    case PortState::interdomain: return EVTCHNSTAT_interdomain;
    case PortState::pirq: return EVTCHNSTAT_pirq;
    case PortState::virq: return EVTCHNSTAT_virq;
    case PortState::ipi: return EVTCHNSTAT_ipi;
    case PortState::free:
    case PortState::reserved: break;
    }
    return EVTCHNSTAT_closed;
}

void encode(PortStatus const& status, evtchn_status_t& op) {
    op.status = abi_state(status.state);
    op.vcpu = status.vcpu.raw();
    switch (status.state) {
    case PortState::unbound: op.u.unbound.dom = status.domain.raw(); break;
    case PortState::interdomain:
        op.u.interdomain.dom = status.domain.raw();
        op.u.interdomain.port = status.port.raw();
        break;
    case PortState::pirq: op.u.pirq = status.number; break;
    case PortState::virq: op.u.virq = status.number; break;
    default: break;
    }
}

}  // namespace

// EVTCHNOP_close
Outcome event_close(Vcpu& caller, GuestAddress arg) {
    evtchn_close_t const op = HV_TRY(GuestHandle<evtchn_close_t>{arg}.read());
    HV_TRY(caller.domain().events.close(EventPort{op.port}));
    return 0;
}

// EVTCHNOP_send
[[gnu::flatten]] Outcome event_send(Vcpu& caller, GuestAddress arg) {
    evtchn_send_t const op = HV_TRY(GuestHandle<evtchn_send_t>{arg}.read());
    HV_TRY(caller.domain().events.send(EventPort{op.port}));
    return 0;
}

// EVTCHNOP_status
Outcome event_status(Vcpu& caller, GuestAddress arg) {
    GuestHandle<evtchn_status_t> const handle{arg};
    evtchn_status_t op = HV_TRY(handle.read());
    Domain* const domain = HV_TRY(target_domain(caller, DomId{op.dom}));
    PortStatus const status = HV_TRY(domain->events.status(EventPort{op.port}));
    encode(status, op);
    HV_TRY(handle.write(op));
    return 0;
}

// EVTCHNOP_bind_vcpu
Outcome event_bind_vcpu(Vcpu& caller, GuestAddress arg) {
    evtchn_bind_vcpu_t const op = HV_TRY(GuestHandle<evtchn_bind_vcpu_t>{arg}.read());
    HV_TRY(caller.domain().events.bind_vcpu(EventPort{op.port}, VcpuId{op.vcpu}));
    return 0;
}

// EVTCHNOP_unmask
Outcome event_unmask(Vcpu& caller, GuestAddress arg) {
    evtchn_unmask_t const op = HV_TRY(GuestHandle<evtchn_unmask_t>{arg}.read());
    HV_TRY(caller.domain().events.unmask(EventPort{op.port}));
    return 0;
}

// EVTCHNOP_reset. How far it got is kept with the domain: a restart needs no other arguments.
Outcome event_reset(Vcpu& caller, GuestAddress arg) {
    evtchn_reset_t const op = HV_TRY(GuestHandle<evtchn_reset_t>{arg}.read());
    Domain* const domain = HV_TRY(target_domain(caller, DomId{op.dom}));
    HV_TRY(domain->events.close_all());
    return 0;
}

}  // namespace hospes
