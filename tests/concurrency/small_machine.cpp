// SPDX-License-Identifier: Apache-2.0
#include "tests/concurrency/small_machine.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/command_line.hpp"
#include "hypervisor/core/debug/check.hpp"
#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/time/timers.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/ports/power.hpp"
#include "hypervisor/ports/preempt.hpp"

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hospes {

constinit u64 frame_window_base = 0;

namespace {

// The pages of port tables: one a domain, given out once a machine.
alignas(kPageSize) u8 pages[test::kMostDomains][kPageSize];
u32 pages_taken = 0;

}  // namespace

// In place of the core's heap.
Result<Mfn> Heap::alloc(unsigned, unsigned) {
    std::memset(pages[pages_taken], 0, kPageSize);
    return frame_of_pointer(pages[pages_taken++]);
}

void panic(char const* file, int line, char const* what) { throw std::logic_error{std::string{file} + ":" + std::to_string(line) + ": " + what}; }

// Nobody has given options, so no shutdown ends with a check of the machine.
bool has_option(std::string_view) { return false; }
Status check_everything(System&) { throw std::logic_error{"a check that nobody has asked for"}; }

bool preempt_pending() { return false; }
void log(LogLevel, char const*, ...) {}
void power_off() { throw std::logic_error{"a domain shuts the machine down"}; }
void restart_machine() { power_off(); }
void dom0_crashed() { power_off(); }

// A guest's addresses are the test's.
Status copy_from_guest(void* to, GuestAddress from, usize size) {
    std::memcpy(to, reinterpret_cast<void const*>(from.raw()), size);
    return {};
}

void kick_pcpu(PcpuId pcpu) { test::small_machine->kick(pcpu.raw()); }

namespace test {

SmallMachine* small_machine = nullptr;

SmallMachine::SmallMachine(u32 pcpu_count) : pcpu_count_{pcpu_count} {
    small_machine = this;
    pages_taken = 0;
    become_pcpu(0);
    for (u32 i = 0; i < pcpu_count; ++i) scheduler.add_pcpu(PcpuId{i});
}

SmallMachine::~SmallMachine() {
    become_pcpu(0);
    for (auto& vcpu : vcpus_) {
        if (vcpu.has_value()) stop_timers(*vcpu);
    }
}

Domain& SmallMachine::add_domain(u32 vcpus, bool are_blocked) {
    u32 const id = domain_count_++;
    Domain& domain = domains_[id].emplace(system_, DomId{static_cast<u16>(id)});
    domain.shared_info = &shared_infos_[id];
    domain.max_vcpus = vcpus;
    for (u32 i = 0; i < vcpus; ++i) {
        Vcpu& vcpu = vcpus_[id * kMostVcpus + i].emplace(domain, VcpuId{i});
        domain.vcpus[i] = &vcpu;
        vcpu.info = &domain.shared_info->vcpu_info[i];
        vcpu.is_initialised = true;
        vcpu.sched.is_blocked = are_blocked;
        scheduler.set_up(vcpu);
    }
    return domain;
}

EventPort SmallMachine::add_port(Vcpu& vcpu) {
    auto reservation = vcpu.domain().events.reserve();
    EventPort const port = reservation.value().port();
    if (!vcpu.domain().events.bind_ipi(std::move(reservation.value()), vcpu.id()).ok()) throw std::logic_error{"no port"};
    guest_of(vcpu).ports |= u64{1} << port.raw();
    return port;
}

void SmallMachine::interrupt(u32 pcpu) { pcpus[pcpu].is_interrupted.store(true); }

// As machine/exit.cpp does it.
void SmallMachine::kick(u32 pcpu) {
    if (pcpus[pcpu].kicked.exchange(true, std::memory_order_acq_rel)) return;
    if (PcpuId{pcpu} != this_pcpu_id()) interrupt(pcpu);
}

void SmallMachine::load(u32 pcpu, Vcpu& vcpu) {
    vcpu.sched.loaded_on.store(pcpu);
    if (!vcpu.sched.has_news) return;
    vcpu.sched.has_news = false;
    (void)end_poll(vcpu);
    bring_timers_here(vcpu);
}

// The guest's handler: upcall flag, selector, then its own ports that are pending and not masked.
bool SmallMachine::deliver_events(Vcpu& vcpu) {
    if (!has_deliverable_event(vcpu)) return false;
    shared_info_t& shared = *vcpu.domain().shared_info;
    SharedWord<u8>{vcpu.info->evtchn_upcall_pending}.exchange(0);
    if ((SharedWord<u64>{vcpu.info->evtchn_pending_sel}.exchange(0) & 1) == 0) return true;
    u64 const seen = guest_of(vcpu).ports & SharedWord<u64>{shared.evtchn_pending[0]}.load() & ~SharedWord<u64>{shared.evtchn_mask[0]}.load();
    for (u64 left = seen; left != 0; left &= left - 1) {
        auto const bit = static_cast<unsigned>(__builtin_ctzll(left));
        if (SharedWord<u64>{shared.evtchn_pending[0]}.test_and_clear_bit(bit)) ++guest_of(vcpu).events;
    }
    return true;
}

void SmallMachine::run_pcpu(u32 number) {
    become_pcpu(number);
    PcpuId const id{number};
    SmallPcpu& pcpu = pcpus[number];
    Vcpu* loaded = nullptr;
    while (!stop.load(std::memory_order_relaxed)) {
        if (pcpu.kicked.load(std::memory_order_relaxed) || scheduler.wants_decision(id)) {
            (void)pcpu.kicked.exchange(false, std::memory_order_acq_rel);
            Nanoseconds const now = system_time();
            run_timers(now);
            scheduler.note_time(id, now);
            rearm_timer(system_);
        }
        if (scheduler.wants_decision(id)) {
            pcpu.running = scheduler.pick_next(id, pcpu.running, system_time());
            rearm_timer(system_);
            if (scheduler.wants_decision(id)) let_others_go_on();
        }
        Vcpu* const next = pcpu.running;
        if (next == nullptr) {
            if (!pcpu.kicked.load(std::memory_order_relaxed) && !scheduler.wants_decision(id)) halt(pcpu);
            continue;
        }
        if (loaded != nullptr && loaded != next) loaded->sched.loaded_on.store(kNoPcpu);
        load(number, *next);
        loaded = next;
        if (deliver_events(*next)) continue;
        if (scheduler.wants_decision(id) || pcpu.kicked.load(std::memory_order_relaxed)) continue;
        if (!guest_of(*next).go_on(*next)) halt(pcpu);
        take_timer(pcpu);
    }
}

}  // namespace test
}  // namespace hospes
