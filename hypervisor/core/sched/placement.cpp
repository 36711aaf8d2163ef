// SPDX-License-Identifier: Apache-2.0
// Where a vcpu runs: placing one that wakes up, moving one away, and what an idle pcpu takes from others.
#include "hypervisor/core/sched/accounting.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/ipi.hpp"

#include <algorithm>
#include <bit>

namespace hospes {

PcpuMask Scheduler::allowed_pcpus(Vcpu const& vcpu) const {
    PcpuMask const online = online_.load(std::memory_order_relaxed);
    PcpuMask const allowed = vcpu.sched.hard_affinity & online;
    return allowed != 0 ? allowed : online;
}

bool Scheduler::try_lock_second(RunQueue& held, RunQueue& other) {
    if (index_of(held) > index_of(other)) return other.lock.try_lock();
    other.lock.lock();
    return true;
}

// One of the idle pcpus in `among`, the first one from `first` on. It is the caller's to give work to, or to notify.
RunQueue* Scheduler::claim_idle(PcpuMask among, u32 first) {
    for (;;) {
        PcpuMask const idle = idle_.load() & among;
        if (idle == 0) return nullptr;
        u32 const index = (first + static_cast<u32>(std::countr_zero(std::rotr(idle, static_cast<int>(first))))) % kMaxPcpus;
        PcpuMask const bit = PcpuMask{1} << index;
        if ((idle_.fetch_and(~bit) & bit) != 0) return &queues_[index];
    }
}

// The one with the least weight in it; `home` if none has less.
RunQueue& Scheduler::lightest(PcpuMask among, RunQueue& home) {
    RunQueue* best = (among & bit_of(home)) != 0 ? &home : nullptr;
    for (PcpuMask left = among; left != 0; left &= left - 1) {
        RunQueue& queue = queues_[static_cast<u32>(std::countr_zero(left))];
        if (best == nullptr || queue.weight.load(std::memory_order_relaxed) < best->weight.load(std::memory_order_relaxed)) best = &queue;
    }
    return best != nullptr ? *best : home;
}

// Where `vcpu`, which has become runnable, waits: with an idle pcpu, that of its own queue or where its state is still loaded if it can
// be; at home if it would preempt there; else where the least weight is.
RunQueue& Scheduler::place(RunQueue& home, Vcpu& vcpu, Nanoseconds now) {
    SchedUnit const& unit = vcpu.sched;
    PcpuMask const allowed = allowed_pcpus(vcpu);
    PcpuMask const liked = allowed & unit.soft_affinity;
    PcpuMask const preferred = liked != 0 ? liked : allowed;
    u32 const loaded_on = unit.loaded_on.load(std::memory_order_relaxed);
    u32 const first = loaded_on == kNoPcpu ? index_of(home) : loaded_on;
    if (RunQueue* const idle = claim_idle(preferred, first); idle != nullptr) return *idle;
    if (RunQueue* const idle = claim_idle(allowed, first); idle != nullptr) return *idle;
    if (home.running != nullptr && (preferred & bit_of(home)) != 0) {
        charge(home, *home.running, now);
        if (is_before(unit.virtual_time + kPreemptMargin.raw(), home.running->sched.virtual_time)) return home;
    }
    return lightest(preferred, home);
}

// Moves `vcpu` to another queue. False, with nothing changed, when that cannot be had now.
bool Scheduler::transfer(RunQueue& from, Vcpu& vcpu, RunQueue& to, Nanoseconds now) {
    bool const locked = try_lock_second(from, to);
    if (!locked || !may_run_on(vcpu, to)) {
        if (locked) to.lock.unlock();
        notify(to);  // it may have been claimed as idle
        return false;
    }
    if (vcpu.sched.standing != Standing::nowhere) dequeue(from, vcpu);
    set_state(vcpu, RunState::runnable, now);
    vcpu.sched.virtual_time += to.served - from.served;
    vcpu.sched.pcpu.store(PcpuId{index_of(to)});
    put(to, vcpu, now);
    to.lock.unlock();
    return true;
}

// `vcpu` waits where it may not run. False: to be tried again.
bool Scheduler::send_away(RunQueue& from, Vcpu& vcpu, Nanoseconds now) {
    RunQueue& target = place(from, vcpu, now);
    return &target != &from && transfer(from, vcpu, target, now);
}

// `prev` has been preempted or its slice has ended: it moves to an idle pcpu, or to where there is less to do even with it. With equal
// weights that makes those who are one too many take turns in being it.
void Scheduler::balance(RunQueue& queue, Vcpu& prev, Nanoseconds now) {
    PcpuMask const others = allowed_pcpus(prev) & ~bit_of(queue);
    if (others == 0) return;
    RunQueue* target = claim_idle(others, index_of(queue));
    if (target == nullptr) {
        target = &lightest(others, queue);
        u32 const with_it = target->weight.load(std::memory_order_relaxed) + prev.sched.weight;
        if (with_it > queue.weight.load(std::memory_order_relaxed)) return;
    }
    (void)transfer(queue, prev, *target, now);
}

// `vcpu` waits in `queue`: an idle pcpu shall come and take it. Either that pcpu, which sets its bit in idle_ before it looks at the
// queues, sees who waits, or we, who have queued the vcpu before we look, see the bit.
void Scheduler::offer(RunQueue const& queue, Vcpu const& vcpu) {
    RunQueue* const idle = claim_idle(allowed_pcpus(vcpu) & ~bit_of(queue), index_of(queue));
    if (idle == nullptr) return;
    idle->offered.store(&vcpu);
    notify(*idle);
}

// The pcpu of `queue` was idle and now runs one vcpu: the others in the queue have been left alone by thieves on its account.
void Scheduler::offer_all(RunQueue const& queue) {
    for (Vcpu* vcpu = queue.waiting.first(); vcpu != nullptr; vcpu = vcpu->sched.next) offer(queue, *vcpu);
}

// A pcpu has found something else to do than what it was offered. If that still waits, another idle one may be glad of it.
void Scheduler::offer_elsewhere() {
    bool const does_any_wait = std::any_of(queues_.begin(), queues_.end(), [](RunQueue const& each) { return each.waiters.load() != 0; });
    if (!does_any_wait) return;
    while (RunQueue* const idle = claim_idle(~PcpuMask{0}, 0)) notify(*idle);
}

// What `thief` takes from `victim`: the first that may run there, rather one whose state is in no other processor.
Vcpu* Scheduler::candidate(RunQueue& victim, RunQueue& thief, Nanoseconds now) {
    if (victim.running == nullptr && victim.waiters.load(std::memory_order_relaxed) == 1) return nullptr;  // it runs there any moment
    Vcpu* best = nullptr;
    for (Vcpu* vcpu = victim.waiting.first(); vcpu != nullptr; vcpu = vcpu->sched.next) {
        if (!may_run_on(*vcpu, thief)) continue;
        if (vcpu->domain().share.is_exhausted(now)) {
            thief.unpark_at = std::min(thief.unpark_at, vcpu->domain().share.next_refill());  // then we look again
            continue;
        }
        u32 const loaded_on = vcpu->sched.loaded_on.load(std::memory_order_relaxed);
        if (loaded_on == kNoPcpu || loaded_on == index_of(thief)) return vcpu;
        if (best == nullptr) best = vcpu;
    }
    return best;
}

// Something to run from the longest of the other queues that has anything for us. It is in no list then, but belongs to `thief`.
Vcpu* Scheduler::steal(RunQueue& thief, Nanoseconds now) {
    for (PcpuMask left = online_.load() & ~bit_of(thief); left != 0;) {
        RunQueue* longest = nullptr;
        u32 most = 0;
        for (PcpuMask each = left; each != 0; each &= each - 1) {
            RunQueue& queue = queues_[static_cast<u32>(std::countr_zero(each))];
            if (u32 const waiters = queue.waiters.load(); waiters > most) {
                most = waiters;
                longest = &queue;
            }
        }
        if (longest == nullptr) return nullptr;
        left &= ~bit_of(*longest);
        if (!try_lock_second(thief, *longest)) {
            thief.must_decide.store(true);
            continue;
        }
        Vcpu* const vcpu = candidate(*longest, thief, now);
        if (vcpu != nullptr) {
            dequeue(*longest, *vcpu);
            vcpu->sched.virtual_time += thief.served - longest->served;
            vcpu->sched.pcpu.store(PcpuId{index_of(thief)});
        }
        longest->lock.unlock();
        if (vcpu != nullptr) return vcpu;
    }
    return nullptr;
}

}  // namespace hospes
