// SPDX-License-Identifier: Apache-2.0
// Several pcpus under one scheduler, on one thread: at each step one of them decides, or something changes. After each step every vcpu
// is exactly where it should be.
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/sched/accounting.hpp"
#include "hypervisor/core/sched/scheduler.hpp"

#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr Nanoseconds kTick{500'000};

class Machine : public World {
public:
    Machine(u64 seed, u32 pcpu_count, u32 domain_count) : World{1024}, rng{seed}, current(pcpu_count), is_online(pcpu_count, true) {
        scheduler.block(*dom0().vcpus[0]);
        for (u32 i = 1; i < pcpu_count; ++i) scheduler.add_pcpu(PcpuId{i});
        for (u16 id = 1; id <= domain_count; ++id) {
            Domain& domain = add_domain(id, 1 + static_cast<u32>(rng() % 4));
            for (u32 i = 0; i < domain.max_vcpus; ++i) vcpus.push_back(domain.vcpus[i]);
        }
    }
    ~Machine() noexcept(false) {  // nothing runs any more when they are destroyed
        for (Vcpu* const vcpu : vcpus) scheduler.pause_domain(vcpu->domain());
        for (u32 pcpu = 0; pcpu < current.size(); ++pcpu) decide(pcpu);
    }

    void decide(u32 pcpu) {
        machine().pcpu = PcpuId{pcpu};
        scheduler.note_time(PcpuId{pcpu}, machine().now);
        if (scheduler.wants_decision(PcpuId{pcpu})) current[pcpu] = scheduler.pick_next(PcpuId{pcpu}, current[pcpu], machine().now);
    }

    std::mt19937_64 rng;
    std::vector<Vcpu*> vcpus;
    std::vector<Vcpu*> current;
    std::vector<bool> is_online;
    std::map<Vcpu*, u32> pauses;
    std::map<Domain*, u32> domain_pauses;
};

void change_something(Machine& w) {
    Scheduler& scheduler = w.scheduler;
    Vcpu& vcpu = *w.vcpus[w.rng() % w.vcpus.size()];
    Domain& domain = vcpu.domain();
    machine().pcpu = PcpuId{static_cast<u32>(w.rng() % w.current.size())};
    switch (w.rng() % 14) {
    case 0: return scheduler.block(vcpu);
    case 1:
    case 2: return scheduler.wake(vcpu);
    case 3:
        if (w.pauses[&vcpu] > 2) return;
        ++w.pauses[&vcpu];
        return scheduler.pause(vcpu);
    case 4:
        if (w.pauses[&vcpu] == 0) return;
        --w.pauses[&vcpu];
        return scheduler.unpause(vcpu);
    case 5:
        if (w.domain_pauses[&domain] > 0) return;
        ++w.domain_pauses[&domain];
        return scheduler.pause_domain(domain);
    case 6:
        if (w.domain_pauses[&domain] == 0) return;
        --w.domain_pauses[&domain];
        return scheduler.unpause_domain(domain);
    case 7: return scheduler.yield(vcpu);
    case 8: return notice_upcall(vcpu);
    case 9: return scheduler.set_down(vcpu);
    case 10: return scheduler.set_up(vcpu);
    case 11: return scheduler.set_affinity(vcpu, w.rng() | w.rng(), w.rng());
    case 12:
        if (w.rng() % 4 == 0) scheduler.set_cap(domain, static_cast<u32>(w.rng() % 3 * 40));
        return scheduler.set_weight(domain, 1 + static_cast<u32>(w.rng() % 1024));
    default: {
        u32 const pcpu = static_cast<u32>(w.rng() % w.current.size());
        if (pcpu == 0 || w.rng() % 4 != 0) return;
        w.is_online[pcpu] = !w.is_online[pcpu];
        w.is_online[pcpu] ? scheduler.add_pcpu(PcpuId{pcpu}) : scheduler.remove_pcpu(PcpuId{pcpu});
    }
    }
}

bool is_allowed(Machine& w, Vcpu const& vcpu, u32 pcpu) {
    PcpuMask online = 0;
    for (u32 i = 0; i < w.current.size(); ++i) online |= w.is_online[i] ? PcpuMask{1} << i : 0;
    PcpuMask const hard = vcpu.sched.hard_affinity & online;
    return ((hard != 0 ? hard : online) >> pcpu & 1) != 0;
}

// Each vcpu that can run runs on one pcpu or waits in one queue, and no other does either; queues are sorted, and count right.
void check(Machine& w, std::vector<RunQueue const*> const& queues) {
    std::map<Vcpu const*, int> seen;
    for (u32 i = 0; i < queues.size(); ++i) {
        RunQueue const& queue = *queues[i];
        REQUIRE_FALSE(queue.lock.is_held());
        REQUIRE(queue.running == w.current[i]);
        u32 waiters = 0;
        u32 weight = queue.running != nullptr ? queue.running->sched.weight : 0;
        u64 last = 0;
        for (Vcpu const* vcpu = queue.waiting.first(); vcpu != nullptr; vcpu = vcpu->sched.next) {
            if (waiters > 0) REQUIRE_FALSE(is_before(vcpu->sched.virtual_time, last));
            last = vcpu->sched.virtual_time;
            weight += vcpu->sched.weight;
            ++waiters;
            ++seen[vcpu];
            REQUIRE(vcpu->sched.standing == Standing::waiting);
            REQUIRE(vcpu->sched.pcpu.load() == PcpuId{i});
            REQUIRE(vcpu->sched.state == RunState::runnable);
        }
        for (Vcpu const* vcpu = queue.parked.first(); vcpu != nullptr; vcpu = vcpu->sched.next) {
            ++seen[vcpu];
            REQUIRE(vcpu->sched.standing == Standing::parked);
            REQUIRE(vcpu->sched.pcpu.load() == PcpuId{i});
            REQUIRE(queue.unpark_at < Nanoseconds::never());
        }
        REQUIRE(queue.waiters == waiters);
        REQUIRE(queue.weight == weight);
        if (queue.running != nullptr) {
            ++seen[queue.running];
            REQUIRE(queue.running->sched.standing == Standing::nowhere);
            REQUIRE(queue.running->sched.state == RunState::running);
            REQUIRE(queue.running->sched.pcpu.load() == PcpuId{i});
            if (!can_run(*queue.running) || !is_allowed(w, *queue.running, i)) REQUIRE(queue.must_decide);
        }
        if (!w.is_online[i]) REQUIRE(waiters == 0);
    }
    for (Vcpu const* const vcpu : w.vcpus) {
        bool const counts = can_run(*vcpu) || Scheduler::is_running(*vcpu);
        REQUIRE(seen[vcpu] == (counts ? 1 : 0));
    }
}

// When every pcpu has decided, none is idle while a vcpu that may run there waits, and all run where they may.
void check_work_is_conserved(Machine& w, std::vector<RunQueue const*> const& queues) {
    for (int round = 0; round < 100; ++round) {
        bool is_settled = true;
        for (u32 i = 0; i < w.current.size(); ++i) w.decide(i);
        for (u32 i = 0; i < w.current.size(); ++i) is_settled = is_settled && !w.scheduler.wants_decision(PcpuId{i});
        if (is_settled) break;
        REQUIRE(round < 99);
    }
    for (u32 i = 0; i < w.current.size(); ++i) {
        if (w.current[i] != nullptr) REQUIRE(is_allowed(w, *w.current[i], i));
        if (w.current[i] != nullptr || !w.is_online[i]) continue;
        for (RunQueue const* const queue : queues) {
            for (Vcpu* vcpu = queue->waiting.first(); vcpu != nullptr; vcpu = vcpu->sched.next)
                REQUIRE((!is_allowed(w, *vcpu, i) || vcpu->domain().share.is_exhausted(machine().now)));
        }
    }
}

}  // namespace

TEST_CASE("whatever changes, each vcpu is in one place, and no pcpu idles beside work", "[property][sched]") {
    for (u64 seed = 1; seed <= 100; ++seed) {
        static constexpr u32 kPcpus[] = {1, 2, 4, 16, 64};
        Machine w{seed, kPcpus[seed % 5], static_cast<u16>(2 + seed % 12)};
        std::vector<RunQueue const*> queues;
        for (u32 i = 0; i < w.current.size(); ++i) queues.push_back(&w.scheduler.queue(PcpuId{i}));
        for (int step = 0; step < 3000; ++step) {
            INFO("seed " << seed << ", step " << step);
            if (w.rng() % 2 == 0) {
                change_something(w);
            } else {
                w.decide(static_cast<u32>(w.rng() % w.current.size()));
            }
            check(w, queues);
            if (step % 50 == 0) check_work_is_conserved(w, queues);
            machine().now += Nanoseconds{w.rng() % kTick.raw()};
        }
    }
}
