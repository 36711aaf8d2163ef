// SPDX-License-Identifier: Apache-2.0
// Event-channel operations that take a new port. All go the same way: a port is reserved, its number told to the guest, and only then is
// it bound; whatever fails before that gives the port back.
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/system.hpp"
#include "hypervisor/hypercall/event_channel_op.hpp"
#include "hypervisor/hypercall/foreign.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {

// EVTCHNOP_alloc_unbound, for the caller itself or, by the control domain, for another.
Outcome event_alloc_unbound(Vcpu& caller, GuestAddress arg) {
    GuestHandle<evtchn_alloc_unbound_t> const handle{arg};
    evtchn_alloc_unbound_t op = HV_TRY(handle.read());
    Domain* const domain = HV_TRY(target_domain(caller, DomId{op.dom}));
    DomId const remote = DomId{op.remote_dom} == kDomIdSelf ? caller.domain().id() : DomId{op.remote_dom};

    PortReservation port = HV_TRY(domain->events.reserve());
    op.port = port.port().raw();
    HV_TRY(handle.write(op));
    domain->events.make_unbound(std::move(port), remote);
    return 0;
}

// EVTCHNOP_bind_interdomain. The remote domain has agreed by alloc_unbound: no other privilege is asked for.
Outcome event_bind_interdomain(Vcpu& caller, GuestAddress arg) {
    GuestHandle<evtchn_bind_interdomain_t> const handle{arg};
    evtchn_bind_interdomain_t op = HV_TRY(handle.read());
    Domain& domain = caller.domain();
    Domain* const remote = HV_TRY(domain.system().domains.find_or_self(DomId{op.remote_dom}, domain));

    PortReservation port = HV_TRY(domain.events.reserve());
    op.local_port = port.port().raw();
    HV_TRY(handle.write(op));
    HV_TRY(domain.events.bind_interdomain(std::move(port), *remote, EventPort{op.remote_port}));
    return 0;
}

// EVTCHNOP_bind_virq
Outcome event_bind_virq(Vcpu& caller, GuestAddress arg) {
    GuestHandle<evtchn_bind_virq_t> const handle{arg};
    evtchn_bind_virq_t op = HV_TRY(handle.read());
    EventChannels& events = caller.domain().events;

    PortReservation port = HV_TRY(events.reserve());
    op.port = port.port().raw();
    HV_TRY(handle.write(op));
    HV_TRY(events.bind_virq(std::move(port), Virq{op.virq}, VcpuId{op.vcpu}));
    return 0;
}

// EVTCHNOP_bind_pirq
Outcome event_bind_pirq(Vcpu& caller, GuestAddress arg) {
    GuestHandle<evtchn_bind_pirq_t> const handle{arg};
    evtchn_bind_pirq_t op = HV_TRY(handle.read());
    EventChannels& events = caller.domain().events;

    PortReservation port = HV_TRY(events.reserve());
    op.port = port.port().raw();
    HV_TRY(handle.write(op));
    HV_TRY(events.bind_pirq(std::move(port), Pirq{op.pirq}, (op.flags & BIND_PIRQ__WILL_SHARE) != 0));
    return 0;
}

// EVTCHNOP_bind_ipi
Outcome event_bind_ipi(Vcpu& caller, GuestAddress arg) {
    GuestHandle<evtchn_bind_ipi_t> const handle{arg};
    evtchn_bind_ipi_t op = HV_TRY(handle.read());
    EventChannels& events = caller.domain().events;

    PortReservation port = HV_TRY(events.reserve());
    op.port = port.port().raw();
    HV_TRY(handle.write(op));
    HV_TRY(events.bind_ipi(std::move(port), VcpuId{op.vcpu}));
    return 0;
}

}  // namespace hospes
