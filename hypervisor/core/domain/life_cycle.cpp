// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/life_cycle.hpp"

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/event/vcpu_info.hpp"
#include "hypervisor/core/event/virq.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/pv/ldt.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/time/guest_time.hpp"
#include "hypervisor/core/time/timers.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/ipi.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/ports/power.hpp"

#include <bit>
#include <new>

namespace hospes {
namespace {

template <typename T>
constexpr unsigned order_of() {
    return static_cast<unsigned>(std::bit_width((sizeof(T) + kPageSize - 1) / kPageSize - 1));
}

char const* name_of(ShutdownReason reason) {
    constexpr char const* kNames[] = {"power-off", "reboot", "suspend", "crash", "watchdog", "soft reset"};
    auto const index = static_cast<unsigned>(reason);
    return index < std::size(kNames) ? kNames[index] : "unknown reason";
}

void set_reason_locked(Domain& domain, ShutdownReason reason) {
    if (domain.has_shutdown_reason) return;
    domain.has_shutdown_reason = true;
    domain.shutdown_reason = reason;
}

// This pcpu does it on its way out, if no other has before.
void request_reaping(System& system) {
    system.domains.request_reaping();
    kick_pcpu(this_pcpu_id());
}

// A vcpu starts with the vcpu_info slot in the shared info page; the upcall mask keeps events away until the guest is ready.
void attach_shared_info(Domain& domain, Vcpu& vcpu) {
    if (vcpu.id().raw() >= XEN_LEGACY_MAX_VCPUS) return;
    vcpu.info = &domain.shared_info->vcpu_info[vcpu.id().raw()];
}

Status create_vcpu(Domain& domain, u32 index) {
    Heap& heap = domain.system().heap;
    Mfn const frame = HV_TRY(heap.alloc(order_of<Vcpu>()));
    auto const fpu = heap.alloc();
    if (!fpu.ok()) {
        heap.free(frame, order_of<Vcpu>());
        return fpu.error();
    }
    auto* const vcpu = ::new (frame_pointer(frame)) Vcpu{domain, VcpuId{index}};
    vcpu->own_frame = frame;
    vcpu->pv.fpu_area = frame_pointer(fpu.value());
    init_fpu_area(vcpu->pv.fpu_area);
    attach_shared_info(domain, *vcpu);
    domain.vcpus[index] = vcpu;
    return {};
}

void drop_vcpu_references(Vcpu& vcpu) {
    PageTypes& types = vcpu.domain().system().page_types;
    stop_timers(vcpu);
    evict_vcpu(vcpu);
    release_descriptor_tables(vcpu);
    for (Mfn* const root : {&vcpu.pv.kernel_root, &vcpu.pv.user_root}) {
        if (root->is_valid()) types.put_page_and_type(*root);
        *root = Mfn{};
    }
    release_vcpu_info(vcpu);
}

void free_vcpu(Vcpu& vcpu) {
    Heap& heap = vcpu.domain().system().heap;
    heap.free(frame_of_pointer(vcpu.pv.fpu_area));
    Mfn const frame = vcpu.own_frame;
    vcpu.~Vcpu();
    heap.free(frame, order_of<Vcpu>());
}

}  // namespace

Domain::Domain(System& system, DomId id) : events{*this}, grants{*this}, system_{system}, id_{id} {}

Result<Domain*> create_domain(System& system, DomId id) {
    Mfn const frame = HV_TRY(system.heap.alloc(order_of<Domain>()));
    auto const shared = system.heap.alloc();
    if (!shared.ok()) {
        system.heap.free(frame, order_of<Domain>());
        return shared.error();
    }
    auto* const domain = ::new (frame_pointer(frame)) Domain{system, id};
    domain->own_frame = frame;
    domain->shared_info_frame = shared.value();
    domain->shared_info = frame_pointer<shared_info_t>(shared.value());
    for (auto& info : domain->shared_info->vcpu_info) info.evtchn_upcall_mask = 1;
    write_wall_clock(*domain);
    Status const inserted = system.domains.insert(*domain);
    if (!inserted.ok()) {
        domain->~Domain();
        system.heap.free(shared.value());
        system.heap.free(frame, order_of<Domain>());
        return inserted.error();
    }
    share_core_frame(*domain, shared.value());
    domain->is_paused_by_control = true;
    domain->pause_count = 1;
    return domain;
}

Status create_vcpus(Domain& domain, u32 count) {
    if (count == 0 || count > kMaxVcpus || domain.max_vcpus != 0) return Errno::invalid;
    domain.max_vcpus = count;
    for (u32 i = 0; i < count; ++i) HV_TRY(create_vcpu(domain, i));  // what exists goes with the domain
    return {};
}

void set_shutdown_reason(Domain& domain, ShutdownReason reason) {
    LockGuard const guard{domain.lock};
    set_reason_locked(domain, reason);
}

void shut_down_domain(Domain& domain, ShutdownReason reason) {
    if (domain.is_hardware_domain()) {
        HV_INFO("dom0 asks for %s", name_of(reason));
        if (reason == ShutdownReason::poweroff) power_off();
        if (reason == ShutdownReason::crash) dom0_crashed();
        restart_machine();
    }
    {
        LockGuard guard{domain.lock};
        if (domain.is_shut_down) return;
        domain.is_shut_down = true;
        set_reason_locked(domain, reason);
        domain.system().scheduler.pause_domain(domain);  // here: a vcpu that comes second has been kicked when it returns
    }
    HV_INFO("domain %u stops: %s", domain.id().raw(), name_of(domain.shutdown_reason));
    send_global_virq(domain.system(), Virq{VIRQ_DOM_EXC});
}

void crash_domain(Vcpu& vcpu, char const* why) {
    HV_WARN("domain %u vcpu %u crashes: %s", vcpu.domain().id().raw(), vcpu.id().raw(), why);
    shut_down_domain(vcpu.domain(), ShutdownReason::crash);
}

Status destroy_domain(Domain& domain) {
    System& system = domain.system();
    if (domain.life == LifeState::alive) {
        LockGuard guard{domain.lock};
        domain.life = LifeState::dying;
    }
    if (domain.life == LifeState::dead) return {};
    if (!domain.is_stopped_for_death) {
        domain.is_stopped_for_death = true;
        system.scheduler.pause_domain(domain);
    }
    if (!domain.are_vcpus_released) {
        if (Scheduler::is_any_running(domain)) return Errno::restart;  // on another pcpu, which has been told to stop
        domain.are_vcpus_released = true;
        for (u32 i = 0; i < domain.max_vcpus; ++i) {
            if (domain.vcpus[i] != nullptr) drop_vcpu_references(*domain.vcpus[i]);
        }
    }
    HV_TRY(domain.events.close_all());
    HV_TRY(domain.grants.release_mappings());
    HV_TRY(relinquish_memory(domain));
    domain.life = LifeState::dead;
    request_reaping(system);
    send_global_virq(system, Virq{VIRQ_DOM_EXC});
    return {};
}

void frame_left_domain(System& system, DomId owner, bool is_core_page) {
    auto const domain = system.domains.find(owner);
    HV_ASSERT(domain.ok());  // a domain stays in the list until its last frame is gone
    u64 const left = --(is_core_page ? domain.value()->core_pages : domain.value()->total_pages);
    if (left == 0 && domain.value()->life == LifeState::dead) request_reaping(system);
}

void last_pin_left_domain(Domain& domain) {
    if (domain.life == LifeState::dead) request_reaping(domain.system());
}

namespace {

// Nobody maps memory of the dead domain any more: its own tables can go. Their frames stay while others map them.
void release_tables(Domain& domain) {
    domain.are_tables_released = true;
    domain.shared_info = nullptr;  // others may still hold the frame, and the domain with it
    unshare_core_frame(domain, domain.shared_info_frame);
    domain.grants.free_tables();
    domain.events.free_tables();
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        if (domain.vcpus[i] != nullptr) free_vcpu(*domain.vcpus[i]);
    }
    domain.max_vcpus = 0;
}

void free_domain(Domain& domain) {
    System& system = domain.system();
    system.domains.remove(domain);
    Mfn const frame = domain.own_frame;
    domain.~Domain();
    system.heap.free(frame, order_of<Domain>());
    send_global_virq(system, Virq{VIRQ_DOM_EXC});
}

}  // namespace

void reap_dead_domains(System& system) {
    Domain* next = nullptr;
    for (Domain* domain = system.domains.first_from(DomId{1}); domain != nullptr; domain = next) {
        next = system.domains.first_from(DomId{static_cast<u16>(domain->id().raw() + 1)});
        if (domain->life != LifeState::dead) continue;
        bool const is_mapped = domain->total_pages != 0 || domain->grants.pins() != 0;
        if (!is_mapped && !domain->are_tables_released) release_tables(*domain);
        if (domain->are_tables_released && domain->core_pages == 0) free_domain(*domain);
    }
}

}  // namespace hospes
