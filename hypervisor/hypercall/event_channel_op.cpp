// SPDX-License-Identifier: Apache-2.0
// event_channel_op (32): the table of its sub-operations, the frequent ones first. What belongs to the FIFO layout (init_control, expand_array, set_priority) is not
// in it: a guest that asks gets ENOSYS and stays with the 2-level layout.
#include "hypervisor/core/core_lock.hpp"
#include "hypervisor/hypercall/event_channel_op.hpp"

namespace hospes {
namespace {

struct Row {
    u32 command;
    Caller caller;  // acting on another domain needs the control domain besides (target_domain)
    Touches touches;
    Outcome (*run)(Vcpu& caller, GuestAddress arg);
};

constexpr Row kOps[] = {
    {EVTCHNOP_send, Caller::any_domain, Touches::own_vcpu, event_send},
    {EVTCHNOP_unmask, Caller::any_domain, Touches::own_vcpu, event_unmask},
    {EVTCHNOP_bind_interdomain, Caller::any_domain, Touches::shared, event_bind_interdomain},
    {EVTCHNOP_bind_virq, Caller::any_domain, Touches::shared, event_bind_virq},
    {EVTCHNOP_bind_pirq, Caller::control_domain, Touches::shared, event_bind_pirq},
    {EVTCHNOP_close, Caller::any_domain, Touches::shared, event_close},
    {EVTCHNOP_status, Caller::any_domain, Touches::shared, event_status},
    {EVTCHNOP_alloc_unbound, Caller::any_domain, Touches::shared, event_alloc_unbound},
    {EVTCHNOP_bind_ipi, Caller::any_domain, Touches::shared, event_bind_ipi},
    {EVTCHNOP_bind_vcpu, Caller::any_domain, Touches::shared, event_bind_vcpu},
    {EVTCHNOP_reset, Caller::any_domain, Touches::shared, event_reset},
};

[[gnu::noinline]] Outcome run_locked(Row const& row, Vcpu& caller, GuestAddress arg) {
    CoreGuard const guard;
    return row.run(caller, arg);
}

}  // namespace

Outcome hypercall_event_channel_op(Vcpu& caller, HypercallArgs& args) {
    for (Row const& row : kOps) {
        if (row.command != args[0]) continue;
        if (row.caller == Caller::control_domain && !caller.domain().is_control_domain()) return Errno::perm;
        GuestAddress const arg{args[1]};
        return row.touches == Touches::own_vcpu ? row.run(caller, arg) : run_locked(row, caller, arg);
    }
    return Errno::no_system_call;
}

}  // namespace hospes
