// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/debug/keys.hpp"

#include "hypervisor/core/debug/check.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {
namespace {

unsigned number(Domain const& domain) { return domain.id().raw(); }

void show_domains(System& system) {
    for_each_domain(system.domains, [](Domain const& domain) {
        constexpr char const* kLives[] = {"alive", "dying", "dead"};
        HV_INFO("d%u: %s%s, paused %u times, %u vcpus, %lu of %lu pages, %lu of the core", number(domain), kLives[static_cast<unsigned>(domain.life)],
                domain.is_shut_down ? ", shut down" : "", domain.pause_count.load(), domain.max_vcpus, domain.total_pages.load(), domain.max_pages,
                domain.core_pages.load());
    });
}

void show_memory(System& system) {
    HV_INFO("%lu of %lu pages are free; frames end at %lx; TLB clock %lu", system.heap.free_pages(), system.heap.total_pages(), system.frames.limit(),
            tlb_clock());
    for_each_domain(system.domains, [](Domain const& domain) {
        HV_INFO("d%u: frames %lx to %lx, %lu pages, %lu of the core; tables to settle: %s", number(domain), domain.lowest_frame.raw(),
                domain.highest_frame.raw(), domain.total_pages.load(), domain.core_pages.load(),
                domain.unsettled_head.load() == kNoUnsettledFrame ? "none" : "some");
    });
}

void show_events(System& system) {
    for_each_domain(system.domains, [](Domain& domain) {
        auto const count = domain.events.count_states();
        auto const of = [&](PortState state) { return count[static_cast<unsigned>(state)]; };
        HV_INFO("d%u: ports: %u unbound, %u interdomain, %u pirq, %u virq, %u ipi; %u vcpus poll", number(domain), of(PortState::unbound),
                of(PortState::interdomain), of(PortState::pirq), of(PortState::virq), of(PortState::ipi), domain.events.pollers().load());
    });
}

void show_grants(System& system) {
    for_each_domain(system.domains, [](Domain& domain) {
        HV_INFO("d%u: %u of %u grant frames, %u pins on its grants; %u handles on those of others", number(domain), domain.grants.frame_count(),
                domain.grants.max_frames(), domain.grants.pins(), domain.grants.maptrack().handles_in_use());
    });
}

void show_run_queues(System& system) {
    Nanoseconds const now = system_time();
    for (u32 pcpu = 0; pcpu < kMaxPcpus; ++pcpu) {
        RunQueue const& queue = system.scheduler.queue(PcpuId{pcpu});
        if (system.scheduler.is_online(PcpuId{pcpu})) HV_INFO("pcpu %u: weight %u, %u vcpus wait", pcpu, queue.weight.load(), queue.waiters.load());
    }
    for_each_domain(system.domains, [&](Domain const& domain) {
        constexpr char const* kStates[] = {"running", "runnable", "blocked", "offline"};
        for (u32 i = 0; i < domain.max_vcpus; ++i) {
            if (domain.vcpus[i] == nullptr) continue;
            RunTimes const times = system.scheduler.times_of(*domain.vcpus[i], now);
            HV_INFO("d%uv%u: %s, pcpu %u, has run %lu ms", number(domain), i, kStates[static_cast<unsigned>(times.state)],
                    domain.vcpus[i]->sched.pcpu.load().raw(), times.in(RunState::running).raw() / 1'000'000);
        }
    });
}

void check(System& system) { (void)check_everything(system); }  // it says itself when it cannot

void show_help(System& system);

struct Key {
    char key;
    char const* what;
    void (*run)(System& system);
};

// Xen's letters, but for c.
constexpr Key kKeys[] = {
    {'c', "check owners, types and counts of all frames", check},
    {'e', "event channels", show_events},
    {'g', "grants", show_grants},
    {'h', "these keys", show_help},
    {'m', "memory", show_memory},
    {'q', "domains", show_domains},
    {'r', "run queues", show_run_queues},
};

void show_help(System&) {
    for (Key const& row : kKeys) HV_INFO("key %c: %s", row.key, row.what);
}

}  // namespace

void handle_debug_key(System& system, char key) {
    for (Key const& row : kKeys) {
        if (row.key == key) return row.run(system);
    }
    HV_INFO("there is no such debug key; h shows all");
}

}  // namespace hospes
