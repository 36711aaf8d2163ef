// SPDX-License-Identifier: Apache-2.0
// domctl (36), interface version 0x15: what a toolstack needs to build, run and remove PV domains.
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/event/vcpu_info.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/time/guest_time.hpp"
#include "hypervisor/hypercall/domain_info.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/hypercall/sched_domctl.hpp"
#include "hypervisor/hypercall/vcpu_context.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"

#include <algorithm>
#include <cstring>

namespace hospes {
namespace {

struct Call {
    Vcpu& caller;
    Domain* target;  // null in rows that need none
    xen_domctl& request;
    GuestHandle<xen_domctl> handle;  // where `request` came from

    System& system() { return caller.domain().system(); }
    Scheduler& scheduler() { return system().scheduler; }
};

constexpr u32 kFirstUnusableHint = 0x7ff0;

// A negative limit means the default; more than there can be is as much as there can be (Debian's tools ask for 1024 maptrack frames).
u32 limit_or_default(i32 wanted, u32 most) { return wanted < 0 ? most : std::min(static_cast<u32>(wanted), most); }

Status create(Call& call) {
    auto const& config = call.request.u.createdomain;
    if ((config.flags & ~u32{XEN_DOMCTL_CDF_xs_domain}) != 0 || config.arch.emulation_flags != 0) return Errno::invalid;
    if (config.max_vcpus == 0 || config.max_vcpus > kMaxVcpus || config.grant_opts == 0) return Errno::invalid;
    bool const any = call.request.domain == 0 || call.request.domain >= kFirstUnusableHint;
    DomId const id = any ? HV_TRY(call.system().domains.free_id()) : DomId{call.request.domain};
    Domain* const domain = HV_TRY(create_domain(call.system(), id));
    std::memcpy(domain->handle, config.handle, sizeof domain->handle);
    domain->events.limit_ports(config.max_evtchn_port);
    Status limited = domain->grants.set_limits(limit_or_default(config.max_grant_frames, kMaxGrantFrames),
                                               limit_or_default(config.max_maptrack_frames, kMaxMaptrackFrames));
    if (limited.ok()) limited = create_vcpus(*domain, config.max_vcpus);
    call.request.domain = id.raw();
    if (limited.ok()) limited = call.handle.write(call.request);
    if (!limited.ok()) (void)destroy_domain(*domain);  // it holds nothing that could take long
    return limited;
}

Status destroy(Call& call) {
    if (call.target == &call.caller.domain()) return Errno::invalid;
    return destroy_domain(*call.target);
}

Status pause(Call& call) {
    if (call.target == &call.caller.domain()) return Errno::invalid;
    if (!call.target->is_paused_by_control) {
        call.target->is_paused_by_control = true;
        call.scheduler().pause_domain(*call.target);
    }
    return Scheduler::is_any_running(*call.target) ? Status{Errno::restart} : Status{};
}

Status unpause(Call& call) {
    if (call.target == &call.caller.domain()) return Errno::invalid;
    if (!call.target->is_paused_by_control) return {};
    call.target->is_paused_by_control = false;
    call.scheduler().unpause_domain(*call.target);
    return {};
}

// An iterator: tells of the first domain with the number or above.
Status get_domain_info(Call& call) {
    Domain* const domain = call.system().domains.first_from(DomId{call.request.domain});
    if (domain == nullptr) return Errno::no_such_domain;
    call.request.domain = domain->id().raw();
    call.request.u.getdomaininfo = describe_domain(*domain);
    return {};
}

Status max_mem(Call& call) {
    call.target->max_pages = call.request.u.max_mem.max_memkb >> (kPageShift - 10);
    return {};
}

// The vcpus are made by createdomain already; this only checks that the number is the same.
Status max_vcpus(Call& call) {
    u32 const count = call.request.u.max_vcpus.max;
    return count == call.target->max_vcpus ? Status{} : Status{Errno::invalid};
}

Result<Vcpu*> named_vcpu(Call& call, u32 index) {
    Vcpu* const vcpu = call.target->vcpu(VcpuId{index});
    if (vcpu == nullptr) return Errno::invalid;
    return vcpu;
}

Status set_vcpu_context(Call& call) {
    auto const& op = call.request.u.vcpucontext;
    if (call.target == &call.caller.domain()) return Errno::invalid;
    Vcpu* const vcpu = HV_TRY(named_vcpu(call, op.vcpu));
    if (call.target->pause_count == 0) return Errno::busy;
    if (Scheduler::is_running(*vcpu)) return Errno::restart;
    vcpu_guest_context_t context;
    HV_TRY(copy_from_guest(&context, GuestAddress{reinterpret_cast<u64>(op.ctxt.p)}, sizeof context));
    HV_TRY(load_context(*vcpu, context));
    write_wall_clock(*call.target);  // the builder has cleared shared_info since the domain was made
    if ((context.flags & VGCF_online) != 0) {
        call.scheduler().set_up(*vcpu);
    } else {
        call.scheduler().set_down(*vcpu);
    }
    return {};
}

Status get_vcpu_context(Call& call) {
    auto const& op = call.request.u.vcpucontext;
    if (call.target == &call.caller.domain()) return Errno::invalid;
    Vcpu* const vcpu = HV_TRY(named_vcpu(call, op.vcpu));
    if (!vcpu->is_initialised) return Errno::no_data;
    vcpu_guest_context_t context;
    call.scheduler().pause(*vcpu);
    bool const is_still = !Scheduler::is_running(*vcpu);
    if (is_still) {
        evict_vcpu(*vcpu);
        save_context(*vcpu, context);
    }
    call.scheduler().unpause(*vcpu);
    if (!is_still) return Errno::busy;  // its registers are in another pcpu: pause the domain first
    return copy_to_guest(GuestAddress{reinterpret_cast<u64>(op.ctxt.p)}, &context, sizeof context);
}

Status get_vcpu_info(Call& call) {
    auto& info = call.request.u.getvcpuinfo;
    Vcpu const* const vcpu = HV_TRY(named_vcpu(call, info.vcpu));
    info.online = vcpu->is_up;
    info.blocked = vcpu->sched.is_blocked;
    info.running = Scheduler::is_running(*vcpu);
    info.cpu_time = call.scheduler().times_of(*vcpu, system_time()).in(RunState::running).raw();
    info.cpu = vcpu->sched.pcpu.load().raw();
    return {};
}

Status adjust(Call& call) { return adjust_scheduling(*call.target, call.request.u.scheduler_op); }
Status set_affinity(Call& call) { return set_vcpu_affinity(*call.target, call.request.u.vcpuaffinity); }
Status get_affinity(Call& call) { return get_vcpu_affinity(*call.target, call.request.u.vcpuaffinity); }

Status set_handle(Call& call) {
    std::memcpy(call.target->handle, call.request.u.setdomainhandle.handle, sizeof call.target->handle);
    return {};
}

// The syscall stubs a kernel with a hypercall page uses (xen/xen.h): 32 bytes each.
Status hypercall_init(Call& call) {
    Mfn const mfn{call.request.u.hypercall_init.gmfn};
    TypedPage const page = HV_TRY(TypedPage::get(call.system().page_types, mfn, call.target->id(), PageType::writable));
    write_hypercall_page(frame_pointer<u8>(page.mfn()));
    return {};
}

Status set_address_size(Call& call) { return call.request.u.address_size.size == 64 ? Status{} : Status{Errno::no_device}; }

Status get_address_size(Call& call) {
    call.request.u.address_size.size = 64;
    return {};
}

// A resumed domain runs on after a suspend that was cancelled.
Status resume(Call& call) {
    LockGuard const guard{call.target->lock};  // one that is about to shut down has been paused when we see it
    if (!call.target->is_shut_down || call.target->life != LifeState::alive) return Errno::invalid;
    call.target->is_shut_down = call.target->has_shutdown_reason = false;
    call.scheduler().unpause_domain(*call.target);
    return {};
}

enum class Target : u8 { none, alive, any };

struct Row {
    u32 command;
    Target target;
    bool writes_back;
    Status (*run)(Call& call);
};

constexpr Row kOps[] = {
    {XEN_DOMCTL_createdomain, Target::none, false, create},
    {XEN_DOMCTL_destroydomain, Target::any, false, destroy},
    {XEN_DOMCTL_pausedomain, Target::alive, false, pause},
    {XEN_DOMCTL_unpausedomain, Target::alive, false, unpause},
    {XEN_DOMCTL_getdomaininfo, Target::none, true, get_domain_info},
    {XEN_DOMCTL_max_mem, Target::alive, false, max_mem},
    {XEN_DOMCTL_setvcpucontext, Target::alive, false, set_vcpu_context},
    {XEN_DOMCTL_getvcpucontext, Target::alive, false, get_vcpu_context},
    {XEN_DOMCTL_getvcpuinfo, Target::any, true, get_vcpu_info},
    {XEN_DOMCTL_setvcpuaffinity, Target::any, false, set_affinity},
    {XEN_DOMCTL_getvcpuaffinity, Target::any, false, get_affinity},
    {XEN_DOMCTL_scheduler_op, Target::any, true, adjust},
    {XEN_DOMCTL_max_vcpus, Target::alive, false, max_vcpus},
    {XEN_DOMCTL_setdomainhandle, Target::alive, false, set_handle},
    {XEN_DOMCTL_hypercall_init, Target::alive, false, hypercall_init},
    {XEN_DOMCTL_resumedomain, Target::alive, false, resume},
    {XEN_DOMCTL_set_address_size, Target::alive, false, set_address_size},
    {XEN_DOMCTL_get_address_size, Target::alive, true, get_address_size},
};

Status run(Row const& row, Call& call) {
    if (row.target != Target::none) {
        call.target = HV_TRY(call.system().domains.find(DomId{call.request.domain}));
        if (row.target == Target::alive && call.target->life != LifeState::alive) return Errno::no_such_domain;
    }
    return row.run(call);
}

}  // namespace

Outcome hypercall_domctl(Vcpu& caller, HypercallArgs& args) {
    GuestHandle<xen_domctl> const handle{args[0]};
    xen_domctl request;
    HV_TRY(handle.read_into(request));
    if (request.interface_version != XEN_DOMCTL_INTERFACE_VERSION) return Errno::access;
    Call call{caller, nullptr, request, handle};
    for (Row const& row : kOps) {
        if (row.command != request.cmd) continue;
        Status const status = run(row, call);
        if (status.ok() && row.writes_back) HV_TRY(handle.write(request));
        return status.ok() ? Outcome{0} : Outcome{status.error()};
    }
    return Errno::no_system_call;
}

}  // namespace hospes
