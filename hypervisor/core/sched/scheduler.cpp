// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/sched/scheduler.hpp"

#include "hypervisor/core/sched/accounting.hpp"
#include "hypervisor/ports/clock.hpp"

#include <algorithm>
#include <bit>

namespace hospes {

// A run queue, locked. Those notified meanwhile are kicked when it is free again.
class [[nodiscard]] Scheduler::QueueLock {
public:
    QueueLock(Scheduler& scheduler, RunQueue& queue) : scheduler_{scheduler}, queue_{&queue} { queue.lock.lock(); }
    // That of a vcpu, which may move while we wait for the lock.
    QueueLock(Scheduler& scheduler, Vcpu const& vcpu) : scheduler_{scheduler} {
        for (;;) {
            PcpuId const pcpu = vcpu.sched.pcpu.load();
            queue_ = &scheduler.queue_of(pcpu);
            queue_->lock.lock();
            if (vcpu.sched.pcpu.load() == pcpu) return;
            queue_->lock.unlock();
        }
    }
    ~QueueLock() {
        queue_->lock.unlock();
        scheduler_.send_kicks();
    }
    QueueLock(QueueLock const&) = delete;
    QueueLock& operator=(QueueLock const&) = delete;

    RunQueue& operator*() const { return *queue_; }

private:
    Scheduler& scheduler_;
    RunQueue* queue_;
};

// Makes the pcpu of `queue` decide anew, as soon as our locks are free: it would wait for them. Our own too is kicked: on its way back to a
// guest it looks no further.
void Scheduler::notify(RunQueue& queue) {
    queue.must_decide.store(true);
    queue_of(this_pcpu_id()).kicks |= bit_of(queue);
}

void Scheduler::send_kicks() {
    PcpuMask& kicks = queue_of(this_pcpu_id()).kicks;
    for (; kicks != 0; kicks &= kicks - 1) kick_pcpu(PcpuId{static_cast<u32>(std::countr_zero(kicks))});
}

void Scheduler::enqueue(RunQueue& queue, Vcpu& vcpu) {
    vcpu.sched.weight = vcpu.domain().share.weight.load(std::memory_order_relaxed);
    queue.waiting.insert_sorted(vcpu);
    vcpu.sched.standing = Standing::waiting;
    queue.weight.store(queue.weight.load(std::memory_order_relaxed) + vcpu.sched.weight, std::memory_order_relaxed);
    queue.waiters.store(queue.waiters.load(std::memory_order_relaxed) + 1);  // visible before idle_ is looked at: see offer()
}

void Scheduler::dequeue(RunQueue& queue, Vcpu& vcpu) {
    if (vcpu.sched.standing == Standing::parked) {
        queue.parked.remove(vcpu);
    } else {
        queue.waiting.remove(vcpu);
        queue.weight.store(queue.weight.load(std::memory_order_relaxed) - vcpu.sched.weight, std::memory_order_relaxed);
        queue.waiters.store(queue.waiters.load(std::memory_order_relaxed) - 1);
    }
    vcpu.sched.standing = Standing::nowhere;
}

// `vcpu`, which is in no list, waits in `queue` from now on.
void Scheduler::put(RunQueue& queue, Vcpu& vcpu, Nanoseconds now) {
    enqueue(queue, vcpu);
    if (queue.running == nullptr) return notify(queue);
    charge(queue, *queue.running, now);
    bool const preempts = is_before(vcpu.sched.virtual_time + kPreemptMargin.raw(), queue.running->sched.virtual_time);
    if (queue.slice_end == Nanoseconds::never()) {  // somebody waits from now on: the timer has to end the slice
        queue.slice_end = now + kSlice;
        notify(queue);
    } else if (preempts) {
        notify(queue);
    }
    offer(queue, vcpu);
}

// After a change of what `vcpu` waits for: into a queue, out of it, or off its processor. False: to be tried again.
bool Scheduler::reconsider(RunQueue& queue, Vcpu& vcpu, Nanoseconds now) {
    SchedUnit& unit = vcpu.sched;
    if (&vcpu == queue.running) {
        if (!can_run(vcpu)) notify(queue);
        return true;
    }
    if (!can_run(vcpu)) {
        if (unit.standing != Standing::nowhere) dequeue(queue, vcpu);
        set_state(vcpu, resting_state(vcpu), now);
        return true;
    }
    if (unit.standing != Standing::nowhere) return true;
    limit_credit(queue, vcpu, now);
    set_state(vcpu, RunState::runnable, now);
    RunQueue& target = place(queue, vcpu, now);
    if (&target != &queue && transfer(queue, vcpu, target, now)) return true;
    if (!may_run_on(vcpu, queue)) return false;
    put(queue, vcpu, now);
    return true;
}

void Scheduler::settle(Vcpu& vcpu) {
    for (;;) {
        QueueLock const home{*this, vcpu};
        if (reconsider(*home, vcpu, system_time())) return;
    }
}

void Scheduler::settle_all(Domain& domain) {
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        if (domain.vcpus[i] != nullptr) settle(*domain.vcpus[i]);
    }
}

// Who has seen is_blocked unset here has its event seen by the check that follows block(): both sides write first and look then.
void Scheduler::wake(Vcpu& vcpu) {
    if (!vcpu.sched.is_blocked.load()) return;
    vcpu.sched.is_blocked.store(false);
    settle(vcpu);
}

void Scheduler::block(Vcpu& vcpu) {
    vcpu.sched.is_blocked.store(true);
    settle(vcpu);
}

void Scheduler::yield(Vcpu& vcpu) {
    QueueLock const home{*this, vcpu};
    RunQueue& queue = *home;
    Vcpu* const first = queue.waiting.first();
    if (first == nullptr || queue.running != &vcpu) return;
    Nanoseconds const now = system_time();
    charge(queue, vcpu, now);
    u64 const behind_first = first->sched.virtual_time + 1;
    if (is_before(vcpu.sched.virtual_time, behind_first)) vcpu.sched.virtual_time = behind_first;
    queue.slice_end = now;
    notify(queue);
}

bool Scheduler::is_any_running(Domain const& domain) {
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        if (domain.vcpus[i] != nullptr && is_running(*domain.vcpus[i])) return true;
    }
    return false;
}

void Scheduler::pause(Vcpu& vcpu) {
    vcpu.sched.pause_count.fetch_add(1);
    settle(vcpu);
}

void Scheduler::unpause(Vcpu& vcpu) {
    u32 const before = vcpu.sched.pause_count.fetch_sub(1);
    HV_ASSERT(before > 0);
    settle(vcpu);
}

void Scheduler::pause_domain(Domain& domain) {
    domain.pause_count.fetch_add(1);
    settle_all(domain);
}

void Scheduler::unpause_domain(Domain& domain) {
    u32 const before = domain.pause_count.fetch_sub(1);
    HV_ASSERT(before > 0);
    settle_all(domain);
}

void Scheduler::set_up(Vcpu& vcpu) {
    vcpu.is_up = true;
    settle(vcpu);
}

void Scheduler::set_down(Vcpu& vcpu) {
    vcpu.is_up = false;
    settle(vcpu);
}

void Scheduler::set_weight(Domain& domain, u32 weight) { domain.share.weight.store(weight, std::memory_order_relaxed); }

void Scheduler::set_cap(Domain& domain, u32 percent) {
    domain.share.set_cap(percent, system_time());
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        if (domain.vcpus[i] == nullptr) continue;
        QueueLock const home{*this, *domain.vcpus[i]};
        RunQueue& queue = *home;
        Standing const standing = domain.vcpus[i]->sched.standing;
        if (standing == Standing::waiting) offer(queue, *domain.vcpus[i]);
        if (standing == Standing::parked) queue.unpark_at = Nanoseconds{};
        if (standing == Standing::parked || queue.running == domain.vcpus[i]) notify(queue);
    }
}

// One that waits where it may not any more leaves when it is its turn.
void Scheduler::set_affinity(Vcpu& vcpu, PcpuMask hard, PcpuMask soft) {
    QueueLock const home{*this, vcpu};
    vcpu.sched.hard_affinity = hard;
    vcpu.sched.soft_affinity = soft;
    if (vcpu.sched.standing == Standing::waiting) offer(*home, vcpu);
    if (&vcpu == (*home).running && !may_run_on(vcpu, *home)) notify(*home);
}

RunTimes Scheduler::times_of(Vcpu const& vcpu, Nanoseconds now) {
    QueueLock const home{*this, vcpu};
    SchedUnit const& unit = vcpu.sched;
    RunTimes times{unit.state.load(), unit.state_entry, {}};
    std::copy_n(unit.time, times.time.size(), times.time.begin());
    if (now > unit.state_entry) times.time[static_cast<unsigned>(times.state)] += now - unit.state_entry;
    return times;
}

Nanoseconds Scheduler::idle_time(PcpuId pcpu, Nanoseconds now) {
    RunQueue& queue = queue_of(pcpu);
    LockGuard guard{queue.lock};
    bool const is_idle = queue.running == nullptr && now > queue.decided_at;
    return is_idle ? queue.idle_time + (now - queue.decided_at) : queue.idle_time;
}

void Scheduler::add_pcpu(PcpuId pcpu) {
    online_.fetch_or(PcpuMask{1} << pcpu.raw());
    for (RunQueue& queue : queues_) {
        if ((online_.load() & bit_of(queue)) != 0) notify(queue);  // a vcpu that belongs to the new one may run elsewhere
    }
    send_kicks();
}

void Scheduler::remove_pcpu(PcpuId pcpu) {
    PcpuMask const bit = PcpuMask{1} << pcpu.raw();
    online_.fetch_and(~bit);
    idle_.fetch_and(~bit);
    RunQueue& queue = queue_of(pcpu);
    notify(queue);
    for (bool is_empty = false; !is_empty;) {
        QueueLock const guard{*this, queue};
        unpark(queue, Nanoseconds::never());
        (void)choose(queue, system_time());
        is_empty = queue.waiting.is_empty();
    }
}

bool Scheduler::is_vacant(PcpuId pcpu) {
    RunQueue& queue = queue_of(pcpu);
    LockGuard guard{queue.lock};
    return queue.running == nullptr && queue.waiting.is_empty() && queue.parked.is_empty();
}

// May `vcpu`, which runs and could go on, do so?
bool Scheduler::keeps_running(RunQueue& queue, Vcpu& vcpu, Nanoseconds now) {
    if (!can_run(vcpu) || !may_run_on(vcpu, queue) || vcpu.domain().share.is_exhausted(now) || now >= queue.slice_end) return false;
    Vcpu const* const first = queue.waiting.first();
    return first == nullptr || !is_before(first->sched.virtual_time + kPreemptMargin.raw(), vcpu.sched.virtual_time);
}

// The first vcpu of the queue that may run here. Those before it, which may not, leave.
Vcpu* Scheduler::choose(RunQueue& queue, Nanoseconds now) {
    for (Vcpu* vcpu = queue.waiting.first(); vcpu != nullptr;) {
        Vcpu* const next = vcpu->sched.next;
        if (!may_run_on(*vcpu, queue)) {
            if (!send_away(queue, *vcpu, now)) queue.must_decide.store(true);
        } else if (vcpu->domain().share.is_exhausted(now)) {
            dequeue(queue, *vcpu);
            queue.parked.insert_last(*vcpu);
            vcpu->sched.standing = Standing::parked;
            queue.unpark_at = std::min(queue.unpark_at, vcpu->domain().share.next_refill());
        } else {
            return vcpu;
        }
        vcpu = next;
    }
    return nullptr;
}

void Scheduler::unpark(RunQueue& queue, Nanoseconds now) {
    if (now < queue.unpark_at) return;
    queue.unpark_at = Nanoseconds::never();
    while (Vcpu* const vcpu = queue.parked.first()) {  // choose() parks them again if it has to
        dequeue(queue, *vcpu);
        limit_credit(queue, *vcpu, now);
        enqueue(queue, *vcpu);
        offer(queue, *vcpu);
    }
}

void Scheduler::stop_running(RunQueue& queue, Vcpu& vcpu) {
    queue.weight.store(queue.weight.load(std::memory_order_relaxed) - vcpu.sched.weight, std::memory_order_relaxed);
    queue.running = nullptr;
    if (can_run(vcpu)) enqueue(queue, vcpu);
}

void Scheduler::start_running(RunQueue& queue, Vcpu& vcpu, Nanoseconds now) {
    queue.running = &vcpu;
    queue.slice_end = Nanoseconds::never();
    queue.weight.store(queue.weight.load(std::memory_order_relaxed) + vcpu.sched.weight, std::memory_order_relaxed);
    vcpu.sched.charged_until = now;
    publish_clock(queue, now);
    set_state(vcpu, RunState::running, now);
    if ((idle_.load(std::memory_order_relaxed) & bit_of(queue)) != 0) idle_.fetch_and(~bit_of(queue));
}

// When the next decision is due: at the end of a slice, of a budget, or when a parked vcpu may go on.
void Scheduler::plan(RunQueue& queue, Nanoseconds now) {
    if (queue.waiting.is_empty() || queue.running == nullptr) {
        queue.slice_end = Nanoseconds::never();
    } else if (queue.slice_end == Nanoseconds::never()) {
        queue.slice_end = now + kSlice;
    }
    Nanoseconds next = std::min(queue.slice_end, queue.unpark_at);
    if (queue.running != nullptr && queue.running->domain().share.cap() != 0)
        next = std::min(next, now + std::max(allowance(queue.running->domain(), now), kLeastAllowance));
    queue.next_decision.store(next, std::memory_order_relaxed);
}

// Who runs from `now` on: `prev` if it may go on, else the first in the queue, else what can be had from other queues.
Vcpu* Scheduler::decide(RunQueue& queue, Vcpu* prev, Nanoseconds now) {
    if (prev != nullptr) {
        charge(queue, *prev, now);
        if (keeps_running(queue, *prev, now)) return prev;
        stop_running(queue, *prev);
    }
    Vcpu* next = choose(queue, now);
    if (prev != nullptr && prev != next && prev->sched.pcpu.load() == PcpuId{index_of(queue)})  // unless it has been sent away
        set_state(*prev, can_run(*prev) ? RunState::runnable : resting_state(*prev), now);
    if (next != nullptr) {
        dequeue(queue, *next);
    } else {
        idle_.fetch_or(online_.load() & bit_of(queue));  // before the others are looked at: see offer()
        next = steal(queue, now);
    }
    if (next != nullptr) start_running(queue, *next, now);
    return next;
}

Vcpu* Scheduler::pick_next(PcpuId pcpu, Vcpu* prev, Nanoseconds now) {
    RunQueue& queue = queue_of(pcpu);
    QueueLock const guard{*this, queue};
    HV_ASSERT(prev == queue.running);
    queue.must_decide.store(false);
    if (prev == nullptr && now > queue.decided_at) queue.idle_time += now - queue.decided_at;
    queue.decided_at = now;
    Vcpu const* const offered = queue.offered.load(std::memory_order_relaxed) == nullptr ? nullptr : queue.offered.exchange(nullptr);
    unpark(queue, now);
    Vcpu* const next = decide(queue, prev, now);
    if (prev != nullptr && prev != next && prev->sched.pcpu.load() == PcpuId{index_of(queue)} && prev->sched.standing == Standing::waiting)
        offer(queue, *prev);
    if (prev == nullptr && next != nullptr) offer_all(queue);
    if (!queue.waiting.is_empty() && now >= queue.balance_at) balance(queue, now);
    if (offered != nullptr && next != nullptr && offered != next) offer_elsewhere();
    plan(queue, now);
    return next;
}

}  // namespace hospes
