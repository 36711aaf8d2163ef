// SPDX-License-Identifier: Apache-2.0
// Where a vcpu runs: placing one that wakes up, moving one away, and what an idle pcpu takes from others.
#include "hypervisor/core/sched/accounting.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/ipi.hpp"

#include <algorithm>
#include <bit>

namespace hospes {
namespace {

// A vcpu moves from a queue to another. One that was empty takes over the clock of the first; else the vcpu's distance to the clock of its
// queue is kept, and, if it has waited, the distance of the clocks to each other too: it gets what it has missed. All within bounds.
void convert_virtual_time(RunQueue const& from, Vcpu& vcpu, RunQueue& to, bool has_waited, Nanoseconds now) {
    if (to.running == nullptr && to.waiting.is_empty()) {
        to.offset = from.served + from.offset - to.served;
        publish_clock(to, now);
    }
    u64 const missed = has_waited ? from.offset - to.offset : to.served - from.served;
    u64 const converted = vcpu.sched.virtual_time + missed;
    u64 const earliest = to.served - kMostLag.raw();
    u64 const latest = to.served + kMostLag.raw();
    vcpu.sched.virtual_time = is_before(converted, earliest) ? earliest : is_before(latest, converted) ? latest : converted;
}

}  // namespace

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
    bool const has_waited = vcpu.sched.standing != Standing::nowhere;
    if (has_waited) dequeue(from, vcpu);
    set_state(vcpu, RunState::runnable, now);
    if (to.running != nullptr) charge(to, *to.running, now);
    convert_virtual_time(from, vcpu, to, has_waited, now);
    if (!has_waited) limit_credit(to, vcpu, now);
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

// Others wait in `queue`. When its clock is behind that of a lighter one, by a slice of the vcpu that waits for longest, that vcpu moves
// there, and gets what it has missed. So the clocks of all queues stay together, and those who are one too many take turns in being it.
void Scheduler::balance(RunQueue& queue, Nanoseconds now) {
    queue.balance_at = now + kSlice;
    Vcpu& vcpu = *queue.waiting.first();
    u32 const weight = queue.weight.load(std::memory_order_relaxed);
    u64 const own_clock = queue.served + queue.offset;
    u64 most_ahead = own_clock + kSlice.raw() * kDefaultWeight / vcpu.sched.weight;
    RunQueue* target = nullptr;
    for (PcpuMask left = allowed_pcpus(vcpu) & ~bit_of(queue); left != 0; left &= left - 1) {
        RunQueue& other = queues_[static_cast<u32>(std::countr_zero(left))];
        u32 const other_weight = other.weight.load(std::memory_order_relaxed);
        if (other_weight == 0 || other_weight >= weight) continue;
        u64 const passed = (now - std::min(now, other.clocked_at.load(std::memory_order_relaxed))).raw();
        u64 const clock = other.clock.load(std::memory_order_relaxed) + passed * kDefaultWeight / other_weight;
        if (!is_before(most_ahead, clock)) continue;
        most_ahead = clock;
        target = &other;
    }
    if (target == nullptr) return;
    if (is_before(own_clock + kMostLag.raw(), most_ahead)) queue.offset += most_ahead - own_clock - kMostLag.raw();  // forgiven
    (void)transfer(queue, vcpu, *target, now);
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
            convert_virtual_time(*longest, *vcpu, thief, true, now);
            vcpu->sched.pcpu.store(PcpuId{index_of(thief)});
        }
        longest->lock.unlock();
        if (vcpu != nullptr) return vcpu;
    }
    return nullptr;
}

}  // namespace hospes
