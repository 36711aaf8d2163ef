// SPDX-License-Identifier: Apache-2.0
// Which vcpu runs next, and where. State changes of vcpus (block, wake, pause) all come through here.
//
// Policy: each vcpu has a virtual time, the processor time it has used divided by its weight. Each pcpu has a run queue; of the vcpus in
// it that with the least virtual time runs, for at most one slice while others wait. One that wakes up is set no further back than
// kWakeCredit behind the one served last: it gets the processor soon, but cannot save up time to starve others with. A vcpu that moves
// takes its distance to the virtual time of its queue along.
//
// Locks: each queue has its own; of two the lower is taken first, or the second is only tried. A vcpu belongs to the queue that
// SchedUnit::pcpu names, and changes it under both locks. Nothing waits with a lock held.
#pragma once

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/sched/run_queue.hpp"
#include "hypervisor/ports/ipi.hpp"

#include <array>

namespace hospes {

inline constexpr Nanoseconds kSlice = Nanoseconds::from_ms(10);
inline constexpr Nanoseconds kWakeCredit = Nanoseconds::from_ms(5);
inline constexpr Nanoseconds kPreemptMargin = Nanoseconds::from_ms(1);
inline constexpr Nanoseconds kMostLag = Nanoseconds::from_ms(50);  // of a queue behind others
inline constexpr Nanoseconds kLeastAllowance{500'000};  // a capped vcpu that may run at all runs that long

class DomainList;

// How long a vcpu has been in each state.
struct RunTimes {
    RunState state;
    Nanoseconds state_entry;
    std::array<Nanoseconds, 4> time;

    Nanoseconds in(RunState which) const { return time[static_cast<unsigned>(which)]; }
};

class Scheduler {
public:
    // Pcpus come and go. A removed one has an empty queue and gets nothing any more; what runs there leaves at its next decision.
    // The affinity of vcpus that may run nowhere else is ignored meanwhile.
    void add_pcpu(PcpuId pcpu);
    void remove_pcpu(PcpuId pcpu);
    bool is_online(PcpuId pcpu) const { return (online_.load() >> pcpu.raw() & 1) != 0; }
    // Does nothing run there or wait?
    bool is_vacant(PcpuId pcpu);

    // Puts a vcpu that waits for an event (block, poll) back into the run queue; harmless for any other. Callers have made the
    // event visible (pending bits) before.
    void wake(Vcpu& vcpu);

    // The vcpu stops until wake(). The caller checks afterwards, with the event bits, that nothing is pending, and wakes it if so.
    void block(Vcpu& vcpu);
    void yield(Vcpu& vcpu);

    // Pauses nest. A vcpu that runs on another pcpu stops there soon, not before these return: a caller that needs it off asks
    // is_running(), and comes back by a continuation. Waiting here would wait for a vcpu that may want a lock of the caller's.
    void pause(Vcpu& vcpu);
    void unpause(Vcpu& vcpu);
    void pause_domain(Domain& domain);
    void unpause_domain(Domain& domain);
    static bool is_any_running(Domain const& domain);
    static bool is_running(Vcpu const& vcpu) { return vcpu.sched.state.load() == RunState::running; }

    // The vcpu to run on `pcpu` from `now` on; null: idle. Charges `prev`, which ran there until now (null: idle).
    Vcpu* pick_next(PcpuId pcpu, Vcpu* prev, Nanoseconds now);
    // Has something happened so that pick_next has to be asked again?
    bool wants_decision(PcpuId pcpu) const { return queues_[pcpu.raw()].must_decide.load(std::memory_order_relaxed); }
    // The timer has fired: the slice may have ended.
    void note_time(PcpuId pcpu, Nanoseconds now) {
        if (now >= next_decision(pcpu)) queues_[pcpu.raw()].must_decide.store(true);
    }
    // When note_time has to be called at the latest.
    Nanoseconds next_decision(PcpuId pcpu) const { return queues_[pcpu.raw()].next_decision.load(std::memory_order_relaxed); }

    void set_up(Vcpu& vcpu);    // VCPUOP_up, VGCF_online: may run from now on
    void set_down(Vcpu& vcpu);  // VCPUOP_down

    void set_weight(Domain& domain, u32 weight);  // not 0
    void set_cap(Domain& domain, u32 percent);    // of one pcpu, for all its vcpus together; 0: none
    // `hard`: where it may run; `soft`: where it would rather.
    void set_affinity(Vcpu& vcpu, PcpuMask hard, PcpuMask soft);

    RunTimes times_of(Vcpu const& vcpu, Nanoseconds now);
    Nanoseconds idle_time(PcpuId pcpu, Nanoseconds now);  // how long it has run no vcpu since the start
    RunQueue const& queue(PcpuId pcpu) const { return queues_[pcpu.raw()]; }
    // What is wrong with the queue of a pcpu, or null. The caller holds the core lock.
    char const* find_fault(PcpuId pcpu, DomainList& domains);  // core/sched/check.cpp

private:
    class QueueLock;

    RunQueue& queue_of(PcpuId pcpu) { return queues_[pcpu.raw()]; }
    u32 index_of(RunQueue const& queue) const { return static_cast<u32>(&queue - queues_.data()); }
    PcpuMask bit_of(RunQueue const& queue) const { return PcpuMask{1} << index_of(queue); }
    PcpuMask allowed_pcpus(Vcpu const& vcpu) const;
    bool may_run_on(Vcpu const& vcpu, RunQueue const& queue) const { return (allowed_pcpus(vcpu) & bit_of(queue)) != 0; }

    void notify(RunQueue& queue);
    void send_kicks();
    [[gnu::noinline]] void settle(Vcpu& vcpu);
    void settle_all(Domain& domain);

    // scheduler.cpp: under the lock of `queue`, the vcpu's own.
    bool reconsider(RunQueue& queue, Vcpu& vcpu, Nanoseconds now);
    bool keeps_running(RunQueue& queue, Vcpu& vcpu, Nanoseconds now);
    Vcpu* choose(RunQueue& queue, Nanoseconds now);
    Vcpu* decide(RunQueue& queue, Vcpu* prev, Nanoseconds now);
    void stop_running(RunQueue& queue, Vcpu& vcpu);
    void start_running(RunQueue& queue, Vcpu& vcpu, Nanoseconds now);
    void plan(RunQueue& queue, Nanoseconds now);
    void unpark(RunQueue& queue, Nanoseconds now);
    void enqueue(RunQueue& queue, Vcpu& vcpu);
    void dequeue(RunQueue& queue, Vcpu& vcpu);
    void put(RunQueue& queue, Vcpu& vcpu, Nanoseconds now);

    // placement.cpp: likewise.
    bool try_lock_second(RunQueue& held, RunQueue& other);
    RunQueue* claim_idle(PcpuMask among, u32 first);
    RunQueue& lightest(PcpuMask among, RunQueue& home);
    RunQueue& place(RunQueue& home, Vcpu& vcpu, Nanoseconds now);
    bool transfer(RunQueue& from, Vcpu& vcpu, RunQueue& to, Nanoseconds now);
    bool send_away(RunQueue& from, Vcpu& vcpu, Nanoseconds now);
    void balance(RunQueue& queue, Nanoseconds now);
    void offer(RunQueue const& queue, Vcpu const& vcpu);
    void offer_all(RunQueue const& queue);
    void offer_elsewhere();
    Vcpu* candidate(RunQueue& victim, RunQueue& thief, Nanoseconds now);
    Vcpu* steal(RunQueue& thief, Nanoseconds now);

    std::array<RunQueue, kMaxPcpus> queues_{};
    std::atomic<PcpuMask> online_{0};
    std::atomic<PcpuMask> idle_{0};  // found nothing to do, and nobody has given them anything since
};

}  // namespace hospes
