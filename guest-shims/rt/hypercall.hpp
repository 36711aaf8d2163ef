// SPDX-License-Identifier: Apache-2.0
// Hypercalls by a direct SYSCALL: number in RAX, arguments in RDI RSI RDX R10 R8, result in RAX.
#pragma once
#include "abi.hpp"

namespace hospes::guest {

/// Issues hypercall `number`; returns its result (negative: -errno). Takes raw words, so that a test may pass anything.
inline long hypercall(u64 number, u64 a1 = 0, u64 a2 = 0, u64 a3 = 0, u64 a4 = 0, u64 a5 = 0) {
    u64 result = number;
    register u64 r10 asm("r10") = a4;
    register u64 r8 asm("r8") = a5;
    asm volatile("syscall"
                 : "+a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                 :
                 : "rcx", "r11", "r9", "memory");
    return static_cast<long>(result);
}

namespace hv {

inline long xen_version(u32 command, void *buffer = nullptr) {
    return hypercall(__HYPERVISOR_xen_version, command, address_of(buffer));
}
inline long console_io(u32 command, u64 count, void *buffer) {
    return hypercall(__HYPERVISOR_console_io, command, count, address_of(buffer));
}
inline long sched_op(u32 command, const void *argument = nullptr) {
    return hypercall(__HYPERVISOR_sched_op, command, address_of(argument));
}
inline long memory_op(u32 command, const void *argument = nullptr) {
    return hypercall(__HYPERVISOR_memory_op, command, address_of(argument));
}
inline long update_va_mapping(u64 va, u64 entry, u64 flags = UVMF_INVLPG) {
    return hypercall(__HYPERVISOR_update_va_mapping, va, entry, flags);
}
inline long mmu_update(const mmu_update_t *requests, u32 count, u32 *done = nullptr, u32 domain = DOMID_SELF) {
    return hypercall(__HYPERVISOR_mmu_update, address_of(requests), count, address_of(done), domain);
}
/// One checked page-table store: `slot` is the machine address of the entry.
inline long mmu_update_one(u64 slot, u64 entry, u32 command = MMU_NORMAL_PT_UPDATE, u32 domain = DOMID_SELF) {
    mmu_update_t request{slot | command, entry};
    return mmu_update(&request, 1, nullptr, domain);
}
inline long mmuext_op(mmuext_op_t *operations, u32 count, u32 *done = nullptr, u32 domain = DOMID_SELF) {
    return hypercall(__HYPERVISOR_mmuext_op, address_of(operations), count, address_of(done), domain);
}
/// One extended MMU operation on a frame.
inline long mmuext_mfn(u32 command, Mfn mfn) {
    mmuext_op_t operation{};
    operation.cmd = command;
    operation.arg1.mfn = raw(mfn);
    return mmuext_op(&operation, 1);
}
/// One extended MMU operation on a linear address.
inline long mmuext_linear(u32 command, u64 linear, u64 nr_ents = 0) {
    mmuext_op_t operation{};
    operation.cmd = command;
    operation.arg1.linear_addr = linear;
    operation.arg2.nr_ents = static_cast<u32>(nr_ents);
    return mmuext_op(&operation, 1);
}
inline long multicall(multicall_entry_t *entries, u32 count) {
    return hypercall(__HYPERVISOR_multicall, address_of(entries), count);
}
inline long set_trap_table(const trap_info_t *table) { return hypercall(__HYPERVISOR_set_trap_table, address_of(table)); }
inline long set_gdt(const u64 *frames, u64 entries) { return hypercall(__HYPERVISOR_set_gdt, address_of(frames), entries); }
inline long update_descriptor(u64 machine_address, u64 descriptor) {
    return hypercall(__HYPERVISOR_update_descriptor, machine_address, descriptor);
}
inline long stack_switch(u64 ss, u64 sp) { return hypercall(__HYPERVISOR_stack_switch, ss, sp); }
inline long set_segment_base(u32 which, u64 base) { return hypercall(__HYPERVISOR_set_segment_base, which, base); }
inline long callback_op(u32 command, const void *argument) {
    return hypercall(__HYPERVISOR_callback_op, command, address_of(argument));
}
inline long event_channel_op(u32 command, void *argument) {
    return hypercall(__HYPERVISOR_event_channel_op, command, address_of(argument));
}
inline long grant_table_op(u32 command, void *arguments, u32 count) {
    return hypercall(__HYPERVISOR_grant_table_op, command, address_of(arguments), count);
}
inline long vcpu_op(u32 command, u32 vcpu, void *argument = nullptr) {
    return hypercall(__HYPERVISOR_vcpu_op, command, vcpu, address_of(argument));
}
inline long set_timer_op(u64 deadline_ns) { return hypercall(__HYPERVISOR_set_timer_op, deadline_ns); }
inline long vm_assist(u32 command, u32 type) { return hypercall(__HYPERVISOR_vm_assist, command, type); }
inline long physdev_op(u32 command, void *argument) {
    return hypercall(__HYPERVISOR_physdev_op, command, address_of(argument));
}

}  // namespace hv
}  // namespace hospes::guest
