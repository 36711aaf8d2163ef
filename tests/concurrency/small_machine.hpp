// SPDX-License-Identifier: Apache-2.0
// Domains, vcpus and pcpus that share the core's real scheduler, events, polls and timers. A pcpu is whoever calls run_pcpu(): a host
// thread, or an actor of the explorer. Its loop takes the steps of machine/exit.cpp in their order; the guests are functions.
#pragma once

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/sched/scheduler.hpp"

#include <array>
#include <functional>
#include <optional>

namespace hospes::test {

inline constexpr u32 kMostPcpus = 4;
inline constexpr u32 kMostDomains = 8;
inline constexpr u32 kMostVcpus = 4;  // of a domain

// One pcpu as others see it (machine/pcpu.hpp).
struct SmallPcpu {
    std::atomic<bool> kicked{false};
    std::atomic<bool> is_interrupted{false};  // an IPI or the timer, not yet taken
    Vcpu* running = nullptr;
};

// What a guest kernel does. Called on the pcpu that the vcpu runs on, as long as it is let run.
struct SmallGuest {
    // Goes on. True: it has entered the core by a hypercall; false: it computes until the next interrupt.
    std::function<bool(Vcpu& vcpu)> go_on = [](Vcpu&) { return false; };
    u64 ports = 0;               // a bit each
    std::atomic<u64> events{0};  // that its handler has seen
};

class SmallMachine {
public:
    explicit SmallMachine(u32 pcpus);
    ~SmallMachine();
    SmallMachine(SmallMachine const&) = delete;
    SmallMachine& operator=(SmallMachine const&) = delete;

    // Vcpus are up, blocked or able to run, with events unmasked.
    Domain& add_domain(u32 vcpus, bool are_blocked);
    // A port of `vcpu`'s that its domain raises by send().
    EventPort add_port(Vcpu& vcpu);
    SmallGuest& guest_of(Vcpu const& vcpu) { return guests_[vcpu.domain().id().raw() * kMostVcpus + vcpu.id().raw()]; }

    // The loop of one pcpu, until `stop`.
    void run_pcpu(u32 pcpu);
    void kick(u32 pcpu);
    void interrupt(u32 pcpu);

    Scheduler scheduler;
    std::array<SmallPcpu, kMostPcpus> pcpus;
    std::atomic<bool> stop{false};

private:
    bool deliver_events(Vcpu& vcpu);
    void load(u32 pcpu, Vcpu& vcpu);

    FrameTable frames_;
    Heap heap_{frames_};
    DomainList domain_list_;
    PageTypes page_types_{system_};
    System system_{frames_, heap_, page_types_, domain_list_, scheduler};
    u32 pcpu_count_;
    u32 domain_count_ = 0;
    std::array<std::optional<Domain>, kMostDomains> domains_;
    std::array<std::optional<Vcpu>, kMostDomains * kMostVcpus> vcpus_;
    std::array<SmallGuest, kMostDomains * kMostVcpus> guests_;
    std::array<shared_info_t, kMostDomains> shared_infos_{};
};

// The machine whose pcpus the port functions act for.
extern SmallMachine* small_machine;

// Given by the program: the pcpu that the caller plays, and HLT with interrupts on: returns when `pcpu` is interrupted.
void become_pcpu(u32 pcpu);
void halt(SmallPcpu& pcpu);
// The interrupt of the caller's timer, if it is due.
void take_timer(SmallPcpu& pcpu);
// A decision could not be made now because another pcpu holds a lock.
void let_others_go_on();

}  // namespace hospes::test
