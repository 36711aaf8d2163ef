// SPDX-License-Identifier: Apache-2.0
// memory_op (12): the table of its sub-operations.
#include "hypervisor/hypercall/memory_op.hpp"

namespace hospes {
namespace {

struct Row {
    u32 command;
    Caller caller;
    Outcome (*run)(Vcpu& caller, MemoryCall& call);
};

constexpr Row kOps[] = {
    {XENMEM_increase_reservation, Caller::any_domain, memory_increase_reservation},
    {XENMEM_decrease_reservation, Caller::any_domain, memory_decrease_reservation},
    {XENMEM_maximum_ram_page, Caller::any_domain, memory_maximum_ram_page},
    {XENMEM_current_reservation, Caller::any_domain, memory_current_reservation},
    {XENMEM_maximum_reservation, Caller::any_domain, memory_maximum_reservation},
    {XENMEM_populate_physmap, Caller::any_domain, memory_populate_physmap},
    {XENMEM_memory_map, Caller::any_domain, memory_memory_map},
    {XENMEM_machine_memory_map, Caller::control_domain, memory_machine_memory_map},
    {XENMEM_exchange, Caller::any_domain, memory_exchange},
    {XENMEM_machphys_mapping, Caller::any_domain, memory_machphys_mapping},
    {XENMEM_set_memory_map, Caller::control_domain, memory_set_memory_map},
    {XENMEM_acquire_resource, Caller::control_domain, memory_acquire_resource},
};

}  // namespace

Outcome hypercall_memory_op(Vcpu& caller, HypercallArgs& args) {
    // The upper bits of the command carry the number of extents done when the call was interrupted.
    MemoryCall call{GuestAddress{args[1]}, args[0] >> MEMOP_EXTENT_SHIFT};
    u64 const command = args[0] & MEMOP_CMD_MASK;
    for (Row const& row : kOps) {
        if (row.command != command) continue;
        if (row.caller == Caller::control_domain && !caller.domain().is_control_domain()) return Errno::perm;
        Outcome const outcome = row.run(caller, call);
        if (!outcome.ok() && outcome.error() == Errno::restart) args[0] = command | (call.start_extent << MEMOP_EXTENT_SHIFT);
        return outcome.ok() ? Outcome{outcome.value()} : Outcome{outcome.error()};
    }
    return Errno::no_system_call;
}

}  // namespace hospes
