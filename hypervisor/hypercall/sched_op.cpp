// SPDX-License-Identifier: Apache-2.0
// sched_op (29): yield, wait, stop.
#include "hypervisor/core/command_line.hpp"
#include "hypervisor/core/core_lock.hpp"
#include "hypervisor/core/debug/check.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/time/timers.hpp"
#include "hypervisor/hypercall/foreign.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

constexpr u32 kMaxPolledPorts = 128;

Outcome yield(Vcpu& caller, GuestAddress) {
    caller.domain().system().scheduler.yield(caller);
    return 0;
}

// Enables upcalls first; the check comes after the vcpu is marked as waiting, so that an event in between wakes it.
Outcome block(Vcpu& caller, GuestAddress) {
    Scheduler& scheduler = caller.domain().system().scheduler;
    (void)unmask_events(caller);
    scheduler.block(caller);
    if (has_deliverable_event(caller)) scheduler.wake(caller);
    return 0;
}

Outcome poll(Vcpu& caller, GuestAddress arg) {
    auto const request = HV_TRY(GuestHandle<sched_poll_t>{arg}.read());
    if (request.nr_ports > kMaxPolledPorts) return Errno::invalid;
    GuestHandle<evtchn_port_t> const list{reinterpret_cast<u64>(request.ports.p)};
    EventPort ports[kMaxPolledPorts];
    for (u32 i = 0; i < request.nr_ports; ++i) ports[i] = EventPort{HV_TRY(list.read(i))};

    Scheduler& scheduler = caller.domain().system().scheduler;
    Nanoseconds const limit = request.timeout == 0 ? Nanoseconds::never() : Nanoseconds{request.timeout};
    scheduler.block(caller);
    Result<bool> const sleeps = start_poll(caller, {ports, request.nr_ports});
    if (!sleeps.ok() || !sleeps.value() || limit <= system_time()) {
        (void)end_poll(caller);
        scheduler.wake(caller);
        return sleeps.ok() ? Outcome{0} : Outcome{sleeps.error()};
    }
    set_poll_limit(caller, limit);
    return 0;
}

Result<ShutdownReason> reason_of(u32 code) {
    if (code > SHUTDOWN_MAX) return Errno::invalid;
    return static_cast<ShutdownReason>(code);
}

Outcome shutdown(Vcpu& caller, GuestAddress arg) {
    auto const request = HV_TRY(GuestHandle<sched_shutdown_t>{arg}.read());
    ShutdownReason const reason = HV_TRY(reason_of(request.reason));
    if (caller.domain().is_hardware_domain() && has_option("check")) {  // the option of tests: the machine's last moment
        CoreGuard const guard;
        (void)check_everything(caller.domain().system());
    }
    shut_down_domain(caller.domain(), reason);
    return 0;
}

// Sets the reason that a control domain will see, ahead of the shutdown itself.
Outcome shutdown_code(Vcpu& caller, GuestAddress arg) {
    auto const request = HV_TRY(GuestHandle<sched_shutdown_t>{arg}.read());
    set_shutdown_reason(caller.domain(), HV_TRY(reason_of(request.reason)));
    return 0;
}

Outcome remote_shutdown(Vcpu& caller, GuestAddress arg) {
    auto const request = HV_TRY(GuestHandle<sched_remote_shutdown_t>{arg}.read());
    if (!caller.domain().is_control_domain()) return Errno::perm;
    CoreGuard const guard;
    Domain* const domain = HV_TRY(target_domain(caller, DomId{request.domain_id}));
    if (domain == &caller.domain()) return Errno::invalid;
    shut_down_domain(*domain, HV_TRY(reason_of(request.reason)));
    return 0;
}

struct Row {
    u32 command;
    Outcome (*run)(Vcpu& caller, GuestAddress arg);
};

constexpr Row kOps[] = {
    {SCHEDOP_block, block},       {SCHEDOP_yield, yield},
    {SCHEDOP_shutdown, shutdown}, {SCHEDOP_poll, poll},
    {SCHEDOP_remote_shutdown, remote_shutdown}, {SCHEDOP_shutdown_code, shutdown_code},
};

}  // namespace

Outcome hypercall_sched_op(Vcpu& caller, HypercallArgs& args) {
    for (Row const& row : kOps) {
        if (row.command == args[0]) return row.run(caller, GuestAddress{args[1]});
    }
    return Errno::no_system_call;
}

}  // namespace hospes
