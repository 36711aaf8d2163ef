// SPDX-License-Identifier: Apache-2.0
// The whole attack surface on one screen: every hypercall the core answers, and who may call it. Sub-operations have tables of their own.
#include "hypervisor/hypercall/locked.hpp"

namespace hospes {
namespace {

template <HypercallHandler kHandler>
Outcome run_privileged(Vcpu& caller, HypercallArgs& args) {
    if (!caller.domain().is_control_domain()) return Errno::perm;
    return kHandler(caller, args);
}

// The handler with what its row asks for around it: who is not privileged does not get as far as the lock.
template <HypercallHandler kHandler>
constexpr Hypercall declare(u16 number, char const* name, Caller caller, Touches touches) {
    constexpr HypercallHandler kLocked = locked<kHandler>;
    bool const is_locked = touches == Touches::shared;
    if (caller == Caller::any_domain) return {number, name, is_locked ? kLocked : kHandler};
    return {number, name, is_locked ? run_privileged<kLocked> : run_privileged<kHandler>};
}

constexpr Hypercall kHypercalls[] = {
    declare<hypercall_set_trap_table>(__HYPERVISOR_set_trap_table, "set_trap_table", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_mmu_update>(__HYPERVISOR_mmu_update, "mmu_update", Caller::any_domain, Touches::shared),
    declare<hypercall_set_gdt>(__HYPERVISOR_set_gdt, "set_gdt", Caller::any_domain, Touches::shared),
    declare<hypercall_stack_switch>(__HYPERVISOR_stack_switch, "stack_switch", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_set_callbacks>(__HYPERVISOR_set_callbacks, "set_callbacks", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_fpu_taskswitch>(__HYPERVISOR_fpu_taskswitch, "fpu_taskswitch", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_platform_op>(__HYPERVISOR_platform_op, "platform_op", Caller::control_domain, Touches::shared),
    declare<hypercall_set_debugreg>(__HYPERVISOR_set_debugreg, "set_debugreg", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_get_debugreg>(__HYPERVISOR_get_debugreg, "get_debugreg", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_update_descriptor>(__HYPERVISOR_update_descriptor, "update_descriptor", Caller::any_domain, Touches::shared),
    declare<hypercall_memory_op>(__HYPERVISOR_memory_op, "memory_op", Caller::any_domain, Touches::shared),
    declare<hypercall_multicall>(__HYPERVISOR_multicall, "multicall", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_update_va_mapping>(__HYPERVISOR_update_va_mapping, "update_va_mapping", Caller::any_domain, Touches::shared),
    declare<hypercall_set_timer_op>(__HYPERVISOR_set_timer_op, "set_timer_op", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_xen_version>(__HYPERVISOR_xen_version, "xen_version", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_console_io>(__HYPERVISOR_console_io, "console_io", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_grant_table_op>(__HYPERVISOR_grant_table_op, "grant_table_op", Caller::any_domain, Touches::shared),
    declare<hypercall_vm_assist>(__HYPERVISOR_vm_assist, "vm_assist", Caller::any_domain, Touches::shared),
    declare<hypercall_update_va_mapping_otherdomain>(__HYPERVISOR_update_va_mapping_otherdomain, "update_va_mapping_otherdomain",
                                                     Caller::control_domain, Touches::shared),
    declare<hypercall_iret>(__HYPERVISOR_iret, "iret", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_vcpu_op>(__HYPERVISOR_vcpu_op, "vcpu_op", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_set_segment_base>(__HYPERVISOR_set_segment_base, "set_segment_base", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_mmuext_op>(__HYPERVISOR_mmuext_op, "mmuext_op", Caller::any_domain, Touches::shared),
    declare<hypercall_sched_op>(__HYPERVISOR_sched_op, "sched_op", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_callback_op>(__HYPERVISOR_callback_op, "callback_op", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_event_channel_op>(__HYPERVISOR_event_channel_op, "event_channel_op", Caller::any_domain, Touches::own_vcpu),
    declare<hypercall_physdev_op>(__HYPERVISOR_physdev_op, "physdev_op", Caller::any_domain, Touches::shared),
    declare<hypercall_sysctl>(__HYPERVISOR_sysctl, "sysctl", Caller::control_domain, Touches::shared),
    declare<hypercall_domctl>(__HYPERVISOR_domctl, "domctl", Caller::control_domain, Touches::shared),
};

constexpr unsigned kSlots = 64;

// The handlers by number; null where there is no hypercall.
constexpr std::array<HypercallHandler, kSlots> sort_by_number() {
    std::array<HypercallHandler, kSlots> handlers{};
    for (Hypercall const& row : kHypercalls) handlers[row.number] = row.handle;
    return handlers;
}

constexpr std::array<HypercallHandler, kSlots> kByNumber = sort_by_number();

}  // namespace

Outcome dispatch_hypercall(Vcpu& caller, u64 number, HypercallArgs& args) {
    if (number >= kSlots) return Errno::no_system_call;
    HypercallHandler const handle = kByNumber[masked_index(number, kSlots)];
    return handle != nullptr ? handle(caller, args) : Errno::no_system_call;
}

char const* hypercall_name(u64 number) {
    for (Hypercall const& row : kHypercalls) {
        if (row.number == number) return row.name;
    }
    return "unknown";
}

}  // namespace hospes
