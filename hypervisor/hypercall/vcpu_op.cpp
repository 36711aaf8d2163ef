// SPDX-License-Identifier: Apache-2.0
// vcpu_op (24): life of the vcpus of the calling domain, their timers and shared areas.
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/event/vcpu_info.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/time/guest_time.hpp"
#include "hypervisor/core/time/timers.hpp"
#include "hypervisor/hypercall/locked.hpp"
#include "hypervisor/hypercall/vcpu_context.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/layout.hpp"

#include <algorithm>

namespace hospes {
namespace {

struct Call {
    Vcpu& caller;
    Vcpu& vcpu;
    GuestAddress arg;
};

Outcome to_outcome(Status const& status) { return status.ok() ? Outcome{0} : Outcome{status.error()}; }

Outcome initialise(Call& call) {
    if (call.vcpu.info == nullptr) return Errno::invalid;
    if (call.vcpu.is_initialised) return Errno::exists;
    vcpu_guest_context_t context;  // larger than a frame of ours should be, but there is no smaller way to take one private copy
    HV_TRY(copy_from_guest(&context, call.arg, sizeof context));
    HV_TRY(load_context(call.vcpu, context));
    return 0;
}

Outcome up(Call& call) {
    if (!call.vcpu.is_initialised) return Errno::invalid;
    call.caller.domain().system().scheduler.set_up(call.vcpu);
    return 0;
}

bool is_another_up(Domain const& domain, Vcpu const& vcpu) {
    return std::any_of(domain.vcpus.begin(), domain.vcpus.begin() + domain.max_vcpus,
                       [&](Vcpu const* each) { return each != nullptr && each != &vcpu && each->is_up; });
}

// The last one that goes takes the domain with it, as on Xen: nobody could bring any up again.
Outcome down(Call& call) {
    Domain& domain = call.caller.domain();
    if (!is_another_up(domain, call.vcpu)) {
        shut_down_domain(domain, ShutdownReason::poweroff);
        return 0;
    }
    domain.system().scheduler.set_down(call.vcpu);
    return 0;
}

Outcome is_up(Call& call) { return call.vcpu.is_up ? 1 : 0; }

Outcome get_runstate_info(Call& call) {
    vcpu_runstate_info_t const info = runstate_of(call.vcpu, system_time());
    HV_TRY(copy_to_guest(call.arg, &info, sizeof info));
    return 0;
}

Outcome register_runstate_memory_area(Call& call) {
    auto const area = HV_TRY(GuestHandle<vcpu_register_runstate_memory_area_t>{call.arg}.read());
    GuestAddress const address{reinterpret_cast<u64>(area.addr.h.p)};
    if (address.raw() != 0 && !is_guest_range(address, sizeof(vcpu_runstate_info_t))) return Errno::fault;
    GuestAddress const before = call.vcpu.runstate_area;
    call.vcpu.runstate_area = address;
    if (&call.vcpu != &call.caller) return 0;
    Status const written = write_runstate_area(call.vcpu);
    if (!written.ok()) call.vcpu.runstate_area = before;
    return to_outcome(written);
}

Outcome set_periodic_timer(Call& call) {
    auto const request = HV_TRY(GuestHandle<vcpu_set_periodic_timer_t>{call.arg}.read());
    constexpr u64 kShortestPeriod = 1'000'000;
    if (request.period_ns < kShortestPeriod) return Errno::invalid;
    set_periodic(call.vcpu, Nanoseconds{request.period_ns});
    return 0;
}

Outcome stop_periodic_timer(Call& call) {
    set_periodic(call.vcpu, Nanoseconds{});
    return 0;
}

Outcome set_singleshot_timer(Call& call) {
    if (&call.vcpu != &call.caller) return Errno::invalid;
    auto const request = HV_TRY(GuestHandle<vcpu_set_singleshot_timer_t>{call.arg}.read());
    Nanoseconds const deadline{request.timeout_abs_ns};
    if ((request.flags & VCPU_SSHOTTMR_future) != 0 && deadline < system_time()) return Errno::time;
    set_singleshot(call.vcpu, deadline);
    return 0;
}

Outcome stop_singleshot_timer(Call& call) {
    if (&call.vcpu != &call.caller) return Errno::invalid;
    set_singleshot(call.vcpu, Nanoseconds::never());
    return 0;
}

Outcome register_vcpu_info_op(Call& call) {
    auto const request = HV_TRY(GuestHandle<vcpu_register_vcpu_info_t>{call.arg}.read());
    if (&call.vcpu != &call.caller && call.vcpu.is_up) return Errno::invalid;  // it may run, with the area that it has
    HV_TRY(register_vcpu_info(call.vcpu, Mfn{request.mfn}, request.offset));
    write_time_info(call.vcpu);
    return 0;
}

struct Row {
    u32 command;
    Outcome (*run)(Call& call);
};

// First what Linux asks for whenever it goes to sleep.
constexpr Row kOps[] = {
    {VCPUOP_set_singleshot_timer, set_singleshot_timer},
    {VCPUOP_stop_singleshot_timer, stop_singleshot_timer},
    {VCPUOP_initialise, locked<initialise>},
    {VCPUOP_up, locked<up>},
    {VCPUOP_down, locked<down>},
    {VCPUOP_is_up, locked<is_up>},
    {VCPUOP_get_runstate_info, locked<get_runstate_info>},
    {VCPUOP_register_runstate_memory_area, locked<register_runstate_memory_area>},
    {VCPUOP_set_periodic_timer, locked<set_periodic_timer>},
    {VCPUOP_stop_periodic_timer, locked<stop_periodic_timer>},
    {VCPUOP_register_vcpu_info, locked<register_vcpu_info_op>},
};

}  // namespace

Outcome hypercall_vcpu_op(Vcpu& caller, HypercallArgs& args) {
    // Looked up without the lock: a domain gets its vcpus before it first runs (create_vcpus), and keeps them while any of them runs.
    Vcpu* const vcpu = args[1] <= ~u32{0} ? caller.domain().vcpu(VcpuId{static_cast<u32>(args[1])}) : nullptr;
    if (vcpu == nullptr) return Errno::no_entry;
    Call call{caller, *vcpu, GuestAddress{args[2]}};
    for (Row const& row : kOps) {
        if (row.command == args[0]) return row.run(call);
    }
    return Errno::no_system_call;
}

Outcome hypercall_set_timer_op(Vcpu& caller, HypercallArgs& args) {
    set_singleshot(caller, args[0] == 0 ? Nanoseconds::never() : Nanoseconds{args[0]});
    return 0;
}

}  // namespace hospes
