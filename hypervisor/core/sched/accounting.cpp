// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/sched/accounting.hpp"

#include "hypervisor/core/sched/scheduler.hpp"

#include <algorithm>

namespace hospes {
namespace {

// Whoever has been away for so long has neither credit nor debt that could be compared.
constexpr Nanoseconds kLongAway = Nanoseconds::from_ms(60'000);

bool is_held_back(Vcpu const& vcpu) { return !vcpu.is_up || vcpu.sched.pause_count != 0 || vcpu.domain().pause_count != 0; }

}  // namespace

bool can_run(Vcpu const& vcpu) { return vcpu.is_initialised && !is_held_back(vcpu) && !vcpu.sched.is_blocked; }

RunState resting_state(Vcpu const& vcpu) {
    return vcpu.sched.is_blocked && !is_held_back(vcpu) ? RunState::blocked : RunState::offline;
}

void set_state(Vcpu& vcpu, RunState state, Nanoseconds now) {
    SchedUnit& unit = vcpu.sched;
    RunState const before = unit.state.load(std::memory_order_relaxed);
    if (before == state) return;
    if (now > unit.state_entry) unit.time[static_cast<unsigned>(before)] += now - unit.state_entry;
    unit.has_news = state == RunState::running;
    unit.state_entry = now;
    unit.state.store(state);
}

void publish_clock(RunQueue& queue, Nanoseconds now) {
    queue.clock.store(queue.served + queue.offset, std::memory_order_relaxed);
    queue.clocked_at.store(now, std::memory_order_relaxed);
}

void charge(RunQueue& queue, Vcpu& vcpu, Nanoseconds now) {
    SchedUnit& unit = vcpu.sched;
    if (now <= unit.charged_until) return;
    Nanoseconds const used = now - unit.charged_until;
    unit.charged_until = now;
    u64 const scaled = used.raw() * kDefaultWeight + unit.remainder;
    unit.virtual_time += scaled / unit.weight;
    unit.remainder = scaled % unit.weight;
    if (vcpu.domain().share.cap() != 0) vcpu.domain().share.spend(used);
    Vcpu const* const first = queue.waiting.first();
    bool const first_is_behind = first != nullptr && is_before(first->sched.virtual_time, unit.virtual_time);
    u64 const least = first_is_behind ? first->sched.virtual_time : unit.virtual_time;
    if (is_before(queue.served, least)) queue.served = least;
    publish_clock(queue, now);
}

void limit_credit(RunQueue& queue, Vcpu& vcpu, Nanoseconds now) {
    SchedUnit& unit = vcpu.sched;
    // Who runs alone is charged when somebody comes, and maybe not for seconds before.
    if (queue.running != nullptr) charge(queue, *queue.running, now);
    u64 floor = queue.served - kWakeCredit.raw();
    if (queue.running != nullptr && is_before(queue.running->sched.virtual_time, floor + kPreemptMargin.raw())) {
        u64 const before_running = queue.running->sched.virtual_time - 2 * kPreemptMargin.raw();
        u64 const lowest = floor - kMostLag.raw();
        floor = is_before(before_running, lowest) ? lowest : before_running;
    }
    bool const was_long_away = now > unit.state_entry + kLongAway;
    if (was_long_away || is_before(unit.virtual_time, floor)) unit.virtual_time = floor;
}

Nanoseconds allowance(Domain& domain, Nanoseconds now) {
    u64 running = 0;
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        if (domain.vcpus[i] != nullptr && Scheduler::is_running(*domain.vcpus[i])) ++running;
    }
    i64 const left = domain.share.budget(now);
    return Nanoseconds{left <= 0 ? 0 : static_cast<u64>(left) / std::max(running, u64{1})};
}

}  // namespace hospes
