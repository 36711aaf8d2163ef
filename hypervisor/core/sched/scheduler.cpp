// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/sched/scheduler.hpp"

#include "hypervisor/ports/clock.hpp"

#include <algorithm>

namespace hospes {

bool Scheduler::can_run(Vcpu const& vcpu) {
    Domain const& domain = vcpu.domain();
    return vcpu.is_up && vcpu.is_initialised && !vcpu.sched.is_blocked && vcpu.sched.pause_count == 0 && domain.pause_count == 0;
}

RunState Scheduler::resting_state(Vcpu const& vcpu) {
    bool const only_waits = vcpu.is_up && vcpu.sched.is_blocked && vcpu.sched.pause_count == 0 && vcpu.domain().pause_count == 0;
    return only_waits ? RunState::blocked : RunState::offline;
}

void Scheduler::set_state(Vcpu& vcpu, RunState state, Nanoseconds now) {
    SchedUnit& unit = vcpu.sched;
    if (unit.state == state) return;
    if (now > unit.state_entry) unit.time[static_cast<unsigned>(unit.state)] += now - unit.state_entry;
    unit.state = state;
    unit.has_news = state == RunState::running;
    unit.state_entry = now;
}

Nanoseconds Scheduler::time_in_state(Vcpu const& vcpu, RunState state, Nanoseconds now) {
    SchedUnit const& unit = vcpu.sched;
    Nanoseconds const settled = unit.time[static_cast<unsigned>(state)];
    return unit.state == state && now > unit.state_entry ? settled + (now - unit.state_entry) : settled;
}

void Scheduler::charge(Vcpu& vcpu, Nanoseconds now) {
    SchedUnit& unit = vcpu.sched;
    if (now <= unit.charged_until) return;
    u64 const used = (now - unit.charged_until).raw();
    unit.virtual_time += Nanoseconds{used * kDefaultWeight / unit.weight};
    unit.charged_until = now;
    served_ = std::max(served_, std::min(unit.virtual_time, head_ != nullptr ? head_->sched.virtual_time : unit.virtual_time));
}

void Scheduler::enqueue(Vcpu& vcpu) {
    Vcpu** at = &head_;
    while (*at != nullptr && (*at)->sched.virtual_time <= vcpu.sched.virtual_time) at = &(*at)->sched.next;
    vcpu.sched.next = *at;
    *at = &vcpu;
    vcpu.sched.is_queued = true;
}

void Scheduler::dequeue(Vcpu& vcpu) {
    Vcpu** at = &head_;
    while (*at != &vcpu) at = &(*at)->sched.next;
    *at = vcpu.sched.next;
    vcpu.sched.next = nullptr;
    vcpu.sched.is_queued = false;
}

// After a change of what `vcpu` waits for: into the queue, out of it, or off its processor.
void Scheduler::reconsider(Vcpu& vcpu) {
    SchedUnit& unit = vcpu.sched;
    Nanoseconds const now = system_time();
    if (&vcpu == running_) {
        if (!can_run(vcpu)) must_decide_ = true;
        return;
    }
    if (can_run(vcpu) == unit.is_queued) return;
    if (unit.is_queued) {
        dequeue(vcpu);
        set_state(vcpu, resting_state(vcpu), now);
        return;
    }
    Nanoseconds const floor = served_ > kWakeCredit ? served_ - kWakeCredit : Nanoseconds{};
    unit.virtual_time = std::max(unit.virtual_time, floor);
    set_state(vcpu, RunState::runnable, now);
    enqueue(vcpu);
    if (running_ == nullptr) {
        must_decide_ = true;
        return;
    }
    charge(*running_, now);
    if (unit.virtual_time + kPreemptMargin < running_->sched.virtual_time) must_decide_ = true;
    if (slice_end_ == Nanoseconds::never()) {
        slice_end_ = now + kSlice;
        must_decide_ = true;  // somebody waits from now on: the timer has to end the slice
    }
}

void Scheduler::wake(Vcpu& vcpu) {
    LockGuard guard{lock_};
    vcpu.sched.is_blocked = false;
    reconsider(vcpu);
}

void Scheduler::block(Vcpu& vcpu) {
    LockGuard guard{lock_};
    vcpu.sched.is_blocked = true;
    reconsider(vcpu);
}

void Scheduler::yield(Vcpu& vcpu) {
    LockGuard guard{lock_};
    if (head_ == nullptr) return;
    charge(vcpu, system_time());
    vcpu.sched.virtual_time = std::max(vcpu.sched.virtual_time, head_->sched.virtual_time + Nanoseconds{1});
    must_decide_ = true;
}

void Scheduler::pause(Vcpu& vcpu) {
    LockGuard guard{lock_};
    ++vcpu.sched.pause_count;
    reconsider(vcpu);
}

void Scheduler::unpause(Vcpu& vcpu) {
    LockGuard guard{lock_};
    HV_ASSERT(vcpu.sched.pause_count > 0);
    --vcpu.sched.pause_count;
    reconsider(vcpu);
}

void Scheduler::pause_domain(Domain& domain) {
    LockGuard guard{lock_};
    ++domain.pause_count;
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        if (domain.vcpus[i] != nullptr) reconsider(*domain.vcpus[i]);
    }
}

void Scheduler::unpause_domain(Domain& domain) {
    LockGuard guard{lock_};
    HV_ASSERT(domain.pause_count > 0);
    --domain.pause_count;
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        if (domain.vcpus[i] != nullptr) reconsider(*domain.vcpus[i]);
    }
}

void Scheduler::kick(Vcpu& vcpu) { wake(vcpu); }  // on one processor the way back to the guest looks at the events anyway

void Scheduler::set_up(Vcpu& vcpu) {
    LockGuard guard{lock_};
    vcpu.is_up = true;
    reconsider(vcpu);
}

void Scheduler::set_down(Vcpu& vcpu) {
    LockGuard guard{lock_};
    vcpu.is_up = false;
    reconsider(vcpu);
}

Vcpu* Scheduler::pick_next(PcpuId pcpu, Vcpu* prev, Nanoseconds now) {
    LockGuard guard{lock_};
    must_decide_ = false;
    if (prev != nullptr && prev == running_) {
        charge(*prev, now);
        if (can_run(*prev)) {
            enqueue(*prev);
        } else {
            set_state(*prev, resting_state(*prev), now);
        }
    }
    running_ = head_;
    slice_end_ = Nanoseconds::never();
    if (prev != nullptr && prev != running_ && prev->sched.is_queued) set_state(*prev, RunState::runnable, now);
    if (running_ == nullptr) return nullptr;
    dequeue(*running_);
    set_state(*running_, RunState::running, now);
    running_->sched.pcpu = pcpu;
    running_->sched.charged_until = now;
    if (head_ != nullptr) slice_end_ = now + kSlice;
    return running_;
}

}  // namespace hospes
