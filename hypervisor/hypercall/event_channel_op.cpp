// SPDX-License-Identifier: Apache-2.0
// event_channel_op (32): the table of its sub-operations, the frequent ones first. What belongs to the FIFO layout (init_control,
// expand_array, set_priority) is not in it: a guest that asks gets ENOSYS and stays with the 2-level layout.
#include "hypervisor/hypercall/event_channel_op.hpp"
#include "hypervisor/hypercall/locked.hpp"

namespace hospes {
namespace {

struct Row {
    u32 command;
    Caller caller;  // acting on another domain needs the control domain besides (target_domain)
    Outcome (*run)(Vcpu& caller, GuestAddress arg);
};

constexpr Row kOps[] = {
    {EVTCHNOP_send, Caller::any_domain, event_send},
    {EVTCHNOP_unmask, Caller::any_domain, event_unmask},
    {EVTCHNOP_bind_interdomain, Caller::any_domain, locked<event_bind_interdomain>},
    {EVTCHNOP_bind_virq, Caller::any_domain, locked<event_bind_virq>},
    {EVTCHNOP_bind_pirq, Caller::control_domain, locked<event_bind_pirq>},
    {EVTCHNOP_close, Caller::any_domain, locked<event_close>},
    {EVTCHNOP_status, Caller::any_domain, locked<event_status>},
    {EVTCHNOP_alloc_unbound, Caller::any_domain, locked<event_alloc_unbound>},
    {EVTCHNOP_bind_ipi, Caller::any_domain, locked<event_bind_ipi>},
    {EVTCHNOP_bind_vcpu, Caller::any_domain, locked<event_bind_vcpu>},
    {EVTCHNOP_reset, Caller::any_domain, locked<event_reset>},
};

}  // namespace

Outcome hypercall_event_channel_op(Vcpu& caller, HypercallArgs& args) {
    for (Row const& row : kOps) {
        if (row.command != args[0]) continue;
        if (row.caller == Caller::control_domain && !caller.domain().is_control_domain()) return Errno::perm;
        return row.run(caller, GuestAddress{args[1]});
    }
    return Errno::no_system_call;
}

}  // namespace hospes
