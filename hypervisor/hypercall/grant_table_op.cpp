// SPDX-License-Identifier: Apache-2.0
// grant_table_op (20): the table of its sub-operations, the frequent ones first. Version 2 tables, transfer, swap, unmap_and_replace and
// cache_flush are left out for good: a guest that asks gets ENOSYS.
#include "hypervisor/hypercall/grant_table_op.hpp"

namespace hospes {
namespace {

struct Row {
    u32 command;
    Caller caller;  // acting on another domain's table needs the control domain besides (target_domain)
    Outcome (*run)(Vcpu& caller, GrantCall& call);
};

constexpr Row kOps[] = {
    {GNTTABOP_map_grant_ref, Caller::any_domain, grant_map},
    {GNTTABOP_unmap_grant_ref, Caller::any_domain, grant_unmap},
    {GNTTABOP_copy, Caller::any_domain, grant_copy},
    {GNTTABOP_setup_table, Caller::any_domain, grant_setup_table},
    {GNTTABOP_query_size, Caller::any_domain, grant_query_size},
    {GNTTABOP_set_version, Caller::any_domain, grant_set_version},
    {GNTTABOP_get_version, Caller::any_domain, grant_get_version},
};

}  // namespace

Outcome hypercall_grant_table_op(Vcpu& caller, HypercallArgs& args) {
    if (args[2] > 0x7fff'ffff) return Errno::invalid;
    GrantCall call{GuestAddress{args[1]}, static_cast<u32>(args[2])};
    for (Row const& row : kOps) {
        if (row.command != args[0]) continue;
        if (row.caller == Caller::control_domain && !caller.domain().is_control_domain()) return Errno::perm;
        Outcome outcome = row.run(caller, call);
        if (!outcome.ok() && outcome.error() == Errno::restart) {
            args[1] = call.operations.raw();
            args[2] = call.count;
        }
        return outcome;
    }
    return Errno::no_system_call;
}

}  // namespace hospes
