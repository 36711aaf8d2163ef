// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/simulation.hpp"

#include "tests/support/hypervisor/fake_machine.hpp"

#include <algorithm>

namespace hospes::sim {

using test::machine;

namespace {

constexpr Nanoseconds kInterruptTakes{2'000};  // from one pcpu to another

}  // namespace

Nanoseconds Simulation::now() { return machine().now; }

Simulation::Simulation(u64 seed, u32 pcpus) : rng_{seed}, pcpus_(pcpus), idle_{pcpus} {
    machine() = test::FakeMachine{};
    machine().now = Nanoseconds::from_ms(1000);
    counted_since_ = now();
    for (u32 i = 0; i < pcpus; ++i) {
        machine().pcpu = PcpuId{i};
        scheduler_.add_pcpu(PcpuId{i});
        settle(i);
    }
    run(Nanoseconds{kInterruptTakes.raw() * 4});  // all have become idle
    forget();
}

Simulation::~Simulation() {
    for (auto& guest : guests_) scheduler_.set_down(*guest->vcpu);
}

Domain& Simulation::add_domain(u32 weight, u32 cap) {
    domains_.push_back(std::make_unique<Domain>(system_, DomId{static_cast<u16>(domains_.size())}));
    Domain& domain = *domains_.back();
    scheduler_.set_weight(domain, weight);
    scheduler_.set_cap(domain, cap);
    return domain;
}

Guest& Simulation::add_vcpu(Domain& domain, Habit habit, PcpuMask hard, PcpuMask soft) {
    guests_.push_back(std::make_unique<Guest>());
    Guest& guest = *guests_.back();
    guest.vcpu = std::make_unique<Vcpu>(domain, VcpuId{domain.max_vcpus});
    guest.habit = habit;
    guest.left = habit.run == Nanoseconds::never() ? habit.run : around(habit.run);
    numbers_[guest.vcpu.get()] = guests_.size() - 1;
    last_pcpu_.push_back(kNoPcpu);
    domain.vcpus[domain.max_vcpus++] = guest.vcpu.get();
    guest.vcpu->is_initialised = true;
    scheduler_.set_affinity(*guest.vcpu, hard, soft);
    guest.is_ready = true;
    guest.since = now();
    ++waiting_;
    machine().pcpu = PcpuId{0};
    scheduler_.set_up(*guest.vcpu);
    settle(0);
    return guest;
}

void Simulation::run(Nanoseconds duration) {
    Nanoseconds const end = now() + duration;
    while (!events_.empty() && events_.top().at <= end) {
        Event const event = events_.top();
        events_.pop();
        advance(event.at);
        handle(event);
    }
    advance(end);
}

void Simulation::forget() {
    for (auto& guest : guests_) {
        guest->ran = Nanoseconds{};
        guest->longest_wait = Nanoseconds{};
        guest->wake_latencies.clear();
        guest->times_started = 0;
        if (guest->on != kNoPcpu && guest->left != Nanoseconds::never()) guest->left = guest->left - std::min(guest->left, now() - guest->since);
        guest->since = now();
    }
    for (SimPcpu& pcpu : pcpus_) {
        pcpu.busy = Nanoseconds{};
        pcpu.since = now();
    }
    decisions_ = moves_ = misplaced_ = wasted_ = 0;
    counted_since_ = now();
}

void Simulation::take_offline(u32 pcpu) {
    machine().pcpu = PcpuId{pcpu};
    scheduler_.remove_pcpu(PcpuId{pcpu});
    settle(pcpu);
}

void Simulation::bring_online(u32 pcpu) {
    machine().pcpu = PcpuId{pcpu};
    scheduler_.add_pcpu(PcpuId{pcpu});
    settle(pcpu);
}

Nanoseconds Simulation::busy() const {
    Nanoseconds sum{};
    for (SimPcpu const& pcpu : pcpus_) sum += pcpu.busy + (pcpu.current != nullptr ? now() - pcpu.since : Nanoseconds{});
    return sum;
}

void Simulation::push(Nanoseconds at, What what, u32 whom, u64 generation) { events_.push({at, order_++, what, whom, generation}); }

void Simulation::advance(Nanoseconds to) {
    wasted_ += (to - now()).raw() * std::min(idle_, waiting_);
    machine().now = to;
}

void Simulation::handle(Event const& event) {
    switch (event.what) {
    case What::decide: return decide(event.whom);
    case What::timer:
        if (event.generation != pcpus_[event.whom].timer_generation) return;
        scheduler_.note_time(PcpuId{event.whom}, now());
        return decide(event.whom);
    case What::burst_ends: {
        Guest& guest = *guests_[event.whom];
        if (event.generation != guest.generation) return;
        u32 const pcpu = guest.on;
        machine().pcpu = PcpuId{pcpu};
        guest.is_ready = false;
        scheduler_.block(*guest.vcpu);
        push(now() + around(guest.habit.sleep), What::wakes, event.whom, ++guest.generation);
        return settle(pcpu);
    }
    case What::wakes: {
        Guest& guest = *guests_[event.whom];
        guest.left = around(guest.habit.run);
        guest.is_ready = true;
        guest.has_woken = true;
        guest.since = now();
        ++waiting_;
        u32 const pcpu = last_pcpu_[event.whom];  // where its timers are
        machine().pcpu = PcpuId{pcpu};
        scheduler_.wake(*guest.vcpu);
        return settle(pcpu);
    }
    }
}

// What the scheduler has asked for: a decision here, or an interrupt there.
void Simulation::settle(u32 pcpu) {
    for (PcpuId const kicked : machine().kicks) push(now() + kInterruptTakes, What::decide, kicked.raw());
    machine().kicks.clear();
    if (scheduler_.wants_decision(PcpuId{pcpu})) push(now(), What::decide, pcpu);
}

void Simulation::decide(u32 pcpu) {
    PcpuId const id{pcpu};
    SimPcpu& here = pcpus_[pcpu];
    machine().pcpu = id;
    if (!scheduler_.wants_decision(id)) return;
    ++decisions_;
    Vcpu* const before = here.current != nullptr ? here.current->vcpu.get() : nullptr;
    Vcpu* const next = scheduler_.pick_next(id, before, now());
    if (next != before) {
        if (here.current != nullptr) stop(pcpu, here.current->is_ready);
        if (next != nullptr) start(pcpu, *guests_[index_of(*next)]);
    }
    Nanoseconds const due = scheduler_.next_decision(id);
    if (due != Nanoseconds::never()) push(std::max(due, now()), What::timer, pcpu, ++here.timer_generation);
    settle(pcpu);
}

void Simulation::start(u32 pcpu, Guest& guest) {
    u32 const number = index_of(*guest.vcpu);
    if ((guest.vcpu->sched.hard_affinity >> pcpu & 1) == 0) ++misplaced_;
    if (last_pcpu_[number] != kNoPcpu && last_pcpu_[number] != pcpu) ++moves_;
    last_pcpu_[number] = pcpu;
    guest.vcpu->sched.loaded_on.store(pcpu);
    guest.longest_wait = std::max(guest.longest_wait, now() - guest.since);
    if (guest.has_woken) guest.wake_latencies.push_back(now() - guest.since);
    guest.has_woken = false;
    ++guest.times_started;
    guest.since = now();
    guest.on = pcpu;
    --waiting_;
    --idle_;
    pcpus_[pcpu].current = &guest;
    pcpus_[pcpu].since = now();
    if (guest.left != Nanoseconds::never()) push(now() + guest.left, What::burst_ends, number, ++guest.generation);
}

void Simulation::stop(u32 pcpu, bool is_ready) {
    SimPcpu& here = pcpus_[pcpu];
    Guest& guest = *here.current;
    guest.ran += now() - std::max(guest.since, counted_since_);
    here.busy += now() - here.since;
    if (guest.left != Nanoseconds::never()) guest.left = guest.left - std::min(guest.left, now() - guest.since);
    if (is_ready) ++guest.generation;  // else its next event is that it wakes
    guest.vcpu->sched.loaded_on.store(kNoPcpu);
    guest.on = kNoPcpu;
    guest.since = now();
    here.current = nullptr;
    ++idle_;
    if (is_ready) ++waiting_;
}

// Between half and one and a half of `mean`.
Nanoseconds Simulation::around(Nanoseconds mean) {
    return Nanoseconds{std::max<u64>(1, mean.raw() / 2 + rng_() % (mean.raw() + 1))};
}

}  // namespace hospes::sim
