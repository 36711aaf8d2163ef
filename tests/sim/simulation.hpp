// SPDX-License-Identifier: Apache-2.0
// The core's scheduler, as it is compiled for the machine, over pcpus and vcpus that only compute time: the clock jumps from event to
// event. What a vcpu got is counted here, not by the scheduler.
#pragma once

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/sched/scheduler.hpp"

#include <algorithm>
#include <memory>
#include <queue>
#include <random>
#include <unordered_map>
#include <vector>

namespace hospes::sim {

inline constexpr PcpuMask kAnywhere = ~PcpuMask{0};

// How a vcpu behaves: computes for `run`, sleeps for `sleep`, and so on; both vary by up to half. run == never(): it only computes.
struct Habit {
    Nanoseconds run = Nanoseconds::never();
    Nanoseconds sleep{};
};

// One vcpu, and what it got.
struct Guest {
    std::unique_ptr<Vcpu> vcpu;
    Habit habit;
    Nanoseconds left = Nanoseconds::never();  // of the present burst
    Nanoseconds since{};                      // it runs, or waits
    u32 on = kNoPcpu;                         // the pcpu it runs on
    u64 generation = 0;                       // of its events: older ones are void
    bool is_ready = false;                    // wants the processor
    bool has_woken = false;                   // and not run since

    // Counted since the last forget().
    Nanoseconds ran{};
    Nanoseconds longest_wait{};
    std::vector<Nanoseconds> wake_latencies;
    u64 times_started = 0;
};

class Simulation {
public:
    Simulation(u64 seed, u32 pcpus);
    ~Simulation();
    Simulation(Simulation const&) = delete;
    Simulation& operator=(Simulation const&) = delete;

    Domain& add_domain(u32 weight = kDefaultWeight, u32 cap = 0);
    Guest& add_vcpu(Domain& domain, Habit habit = {}, PcpuMask hard = kAnywhere, PcpuMask soft = kAnywhere);

    void run(Nanoseconds duration);
    // What `guest` ran since the last forget().
    Nanoseconds ran(Guest const& guest) const { return guest.ran + (guest.on != kNoPcpu ? now() - std::max(guest.since, counted_since_) : Nanoseconds{}); }
    // What was counted so far is forgotten, so that a start does not count.
    void forget();

    void take_offline(u32 pcpu);
    void bring_online(u32 pcpu);

    Scheduler& scheduler() { return scheduler_; }
    std::vector<std::unique_ptr<Guest>> const& guests() const { return guests_; }
    Nanoseconds elapsed() const { return now() - counted_since_; }
    static Nanoseconds now();
    u32 pcpu_count() const { return static_cast<u32>(pcpus_.size()); }

    u64 decisions() const { return decisions_; }
    u64 moves() const { return moves_; }                 // a vcpu went on elsewhere than where it had stopped
    u64 misplaced() const { return misplaced_; }         // starts where the vcpu may not run
    u64 pcpu_time_wasted() const { return wasted_; }     // ns a pcpu was idle while a vcpu waited, at least
    Nanoseconds busy() const;                            // pcpu time spent on vcpus

private:
    enum class What : u8 { decide, timer, burst_ends, wakes };
    struct Event {
        Nanoseconds at;
        u64 order;  // first come, first served
        What what;
        u32 whom;
        u64 generation;
        bool operator<(Event const& other) const { return at != other.at ? at > other.at : order > other.order; }
    };
    struct SimPcpu {
        Guest* current = nullptr;
        Nanoseconds since{};
        Nanoseconds busy{};
        u64 timer_generation = 0;
        u32 last_guest = ~u32{0};
    };

    void push(Nanoseconds at, What what, u32 whom, u64 generation = 0);
    void handle(Event const& event);
    void advance(Nanoseconds to);
    void decide(u32 pcpu);
    void start(u32 pcpu, Guest& guest);
    void stop(u32 pcpu, bool is_ready);
    void settle(u32 pcpu);
    u32 index_of(Vcpu const& vcpu) const { return static_cast<u32>(numbers_.at(&vcpu)); }
    Nanoseconds around(Nanoseconds mean);

    std::mt19937_64 rng_;
    FrameTable frames_;
    Heap heap_{frames_};
    DomainList domains_list_;
    Scheduler scheduler_;
    PageTypes page_types_{system_};
    System system_{frames_, heap_, page_types_, domains_list_, scheduler_};
    std::vector<std::unique_ptr<Domain>> domains_;
    std::vector<std::unique_ptr<Guest>> guests_;
    std::unordered_map<Vcpu const*, usize> numbers_;
    std::vector<SimPcpu> pcpus_;
    std::vector<u32> last_pcpu_;
    std::priority_queue<Event> events_;
    u64 order_ = 0;
    u32 idle_ = 0;
    u32 waiting_ = 0;  // guests that want a processor and have none
    Nanoseconds counted_since_{};
    u64 decisions_ = 0, moves_ = 0, misplaced_ = 0, wasted_ = 0;
};

}  // namespace hospes::sim
