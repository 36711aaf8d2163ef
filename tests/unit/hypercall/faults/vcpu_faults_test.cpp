// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/x86/exceptions.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/fake_console.hpp"
#include "tests/unit/hypercall/faults/scenario.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kHandler = 0xffff'ffff'8100'0000;

template <typename Op>
Call with_argument(Scene& s, Vcpu& caller, u64 number, std::array<u64, 6> args, unsigned place, Op const& op) {
    auto& argument = s.arguments<Op>();
    *argument = op;
    args[place] = argument.address();
    return {caller, number, args};
}

template <typename Op>
Call vcpu_op(Scene& s, u64 command, u64 vcpu, Op const& op) {
    return with_argument(s, s.one.vcpu, __HYPERVISOR_vcpu_op, {command, vcpu}, 2, op);
}

template <typename Op>
Call sched_op(Scene& s, Vcpu& caller, u64 command, Op const& op) {
    return with_argument(s, caller, __HYPERVISOR_sched_op, {command}, 1, op);
}

// Vcpu 1 of domain one is as a guest kernel finds it.
void reset_second_vcpu(Scene& s) {
    Vcpu& vcpu = *s.one.domain.vcpus[1];
    s.scheduler.set_down(vcpu);
    vcpu.is_initialised = false;
}

vcpu_guest_context_t context_of(Scene& s) {
    vcpu_guest_context_t context{};
    context.flags = VGCF_IN_KERNEL;
    context.user_regs.rip = kHandler;
    context.ctrlreg[3] = s.one.space.l4.raw() << kPageShift;
    context.ctrlreg[1] = s.one.space.l4.raw() << kPageShift;
    context.gdt_frames[0] = s.one.pages[0].raw();
    context.gdt_ents = 16;
    return context;
}

Call poll(Scene& s, unsigned) {
    auto& ports = s.arguments<evtchn_port_t>(3);
    for (u32 i = 0; i < 3; ++i) ports[i] = i + 1;
    sched_poll_t op{};
    op.nr_ports = 3;
    op.timeout = 1'000'000;
    op.ports.p = reinterpret_cast<evtchn_port_t*>(ports.address());
    return sched_op(s, s.one.vcpu, SCHEDOP_poll, op);
}

Call set_traps(Scene& s, unsigned) {
    auto& table = s.arguments<trap_info_t>(4);
    for (u8 i = 0; i < 3; ++i) table[i] = {static_cast<u8>(13 + i), 0, kGuestCs64, kHandler + i};
    return {s.one.vcpu, __HYPERVISOR_set_trap_table, {table.address()}};
}

// Entries that cannot fail themselves.
Call two_calls(Scene& s, unsigned count) {
    constexpr u64 kData = Pte::kPresent | Pte::kWritable | Pte::kUser;
    auto& calls = s.arguments<multicall_entry_t>(count);
    for (unsigned i = 0; i < count; ++i) {
        calls[i] = {};
        calls[i].op = __HYPERVISOR_update_va_mapping;
        calls[i].args[0] = AddressSpace::page(i).raw();
        calls[i].args[1] = Pte::make(s.one.pages[i], kData).raw();
    }
    return {s.one.vcpu, __HYPERVISOR_multicall, {calls.address(), count}};
}

Call one_failing_call(Scene& s, unsigned) {
    auto& mask = s.arguments<u64>();
    auto& calls = s.arguments<multicall_entry_t>();
    *calls = {};
    calls->op = __HYPERVISOR_update_va_mapping;
    calls->args[0] = AddressSpace::page(0).raw();
    calls->args[1] = Pte::make(s.one.pages[0], Pte::kPresent).raw();
    calls->args[2] = mask.address() | UVMF_INVLPG;
    return {s.one.vcpu, __HYPERVISOR_multicall, {calls.address(), 1}};
}

Call write_console(Scene& s, Vcpu& caller, u64 size) {
    auto& text = s.arguments<char>(size);
    for (u64 i = 0; i < size; ++i) text[i] = 'a';
    return {caller, __HYPERVISOR_console_io, {CONSOLEIO_write, size, text.address()}};
}

Call xen_version(Scene& s, u64 command, usize size) { return {s.one.vcpu, __HYPERVISOR_xen_version, {command, s.arguments<u8>(size).address()}}; }

constexpr Scenario kVcpu[] = {
    {.name = "initialise",
     .set_up = reset_second_vcpu,
     .call = [](Scene& s, unsigned) { return vcpu_op(s, VCPUOP_initialise, 1, context_of(s)); }},
    {.name = "get_runstate_info",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return vcpu_op(s, VCPUOP_get_runstate_info, 1, vcpu_runstate_info_t{}); }},
    {.name = "register_runstate_memory_area",
     .set_up = [](Scene& s) { s.handle = static_cast<u32>(s.arguments<vcpu_runstate_info_t>().address()); },
     .call =
         [](Scene& s, unsigned) {
             static_assert(sizeof(vcpu_register_runstate_memory_area_t) == sizeof(u64));
             return vcpu_op(s, VCPUOP_register_runstate_memory_area, 0, u64{s.handle});
         }},
    {.name = "set_periodic_timer",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return vcpu_op(s, VCPUOP_set_periodic_timer, 0, vcpu_set_periodic_timer_t{5'000'000}); }},
    {.name = "set_singleshot_timer",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return vcpu_op(s, VCPUOP_set_singleshot_timer, 0, vcpu_set_singleshot_timer_t{5'000'000, 0}); }},
    {.name = "register_vcpu_info",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) {
         return vcpu_op(s, VCPUOP_register_vcpu_info, 0, vcpu_register_vcpu_info_t{s.one.pages[0].raw(), 64, 0});
     }},
    {.name = "set_trap_table", .set_up = nullptr, .call = set_traps},
    {.name = "callback_op register",
     .set_up = nullptr,
     .call =
         [](Scene& s, unsigned) {
             callback_register_t op{};
             op.type = CALLBACKTYPE_event;
             op.address = kHandler;
             return with_argument(s, s.one.vcpu, __HYPERVISOR_callback_op, {CALLBACKOP_register}, 1, op);
         }},
    {.name = "callback_op unregister",
     .set_up = [](Scene& s) { s.one.vcpu.pv.traps[kVectorNmi].address = kHandler; },
     .call =
         [](Scene& s, unsigned) {
             callback_unregister_t op{};
             op.type = CALLBACKTYPE_nmi;
             return with_argument(s, s.one.vcpu, __HYPERVISOR_callback_op, {CALLBACKOP_unregister}, 1, op);
         }},
    {.name = "sched_op poll", .set_up = nullptr, .call = poll},
    {.name = "sched_op shutdown",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return sched_op(s, s.one.vcpu, SCHEDOP_shutdown, sched_shutdown_t{SHUTDOWN_poweroff}); }},
    {.name = "sched_op shutdown_code",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return sched_op(s, s.one.vcpu, SCHEDOP_shutdown_code, sched_shutdown_t{SHUTDOWN_reboot}); }},
    {.name = "sched_op remote_shutdown",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return sched_op(s, s.zero.vcpu, SCHEDOP_remote_shutdown, sched_remote_shutdown_t{2, SHUTDOWN_reboot}); }},
    {.name = "multicall", .set_up = nullptr, .call = two_calls, .operations = 2, .tells_late = true},
    {.name = "multicall of a call that fails",
     .set_up = nullptr,
     .call = one_failing_call,
     .tells_late = true,
     .is_told = [](Scene& s, i64 result) { return result != 0 || static_cast<i64>(s.last<multicall_entry_t>()->result) == to_abi(Errno::fault); }},
};

constexpr Scenario kOther[] = {
    {.name = "console_io write", .set_up = nullptr, .call = [](Scene& s, unsigned) { return write_console(s, s.one.vcpu, 700); }},
    {.name = "console_io write by dom0", .set_up = nullptr, .call = [](Scene& s, unsigned) { return write_console(s, s.zero.vcpu, 700); }},
    {.name = "console_io read",
     .set_up = [](Scene&) { console().input = "hello"; },
     .call =
         [](Scene& s, unsigned) -> Call {
             console().input = "hello";
             return {s.zero.vcpu, __HYPERVISOR_console_io, {CONSOLEIO_read, 16, s.arguments<char>(16).address()}};
         },
     .result = 5},
    {.name = "extraversion",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return xen_version(s, XENVER_extraversion, sizeof(xen_extraversion_t)); }},
    {.name = "compile_info",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return xen_version(s, XENVER_compile_info, sizeof(xen_compile_info_t)); }},
    {.name = "capabilities",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return xen_version(s, XENVER_capabilities, sizeof(xen_capabilities_info_t)); }},
    {.name = "platform_parameters",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return xen_version(s, XENVER_platform_parameters, sizeof(xen_platform_parameters_t)); }},
    {.name = "get_features",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return xen_version(s, XENVER_get_features, sizeof(xen_feature_info_t)); }},
    {.name = "guest_handle",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return xen_version(s, XENVER_guest_handle, sizeof(xen_domain_handle_t)); }},
    {.name = "commandline",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return xen_version(s, XENVER_commandline, sizeof(xen_commandline_t)); }},
};

}  // namespace

TEST_CASE("the hypercalls on vcpus fail cleanly wherever they can fail", "[hypercall][faults][vcpu]") { run_with_faults(kVcpu); }

TEST_CASE("console_io and xen_version fail cleanly wherever they can fail", "[hypercall][faults][version]") { run_with_faults(kOther); }
