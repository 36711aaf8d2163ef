// SPDX-License-Identifier: Apache-2.0
// Some vcpus block, wake, pause and compute at random under a clock that only the test moves.
#include "hypervisor/core/sched/scheduler.hpp"

#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr Nanoseconds kTick = Nanoseconds::from_ms(1);

class Run : public World {
public:
    explicit Run(u64 seed) : World{512}, rng{seed} {
        scheduler.block(*dom0().vcpus[0]);
        for (u16 id = 1; id <= 3; ++id) {
            Domain& domain = add_domain(id, 2);
            for (u32 i = 0; i < 2; ++i) vcpus.push_back(domain.vcpus[i]);
        }
    }

    ~Run() noexcept(false) {  // nothing runs any more when the domains are destroyed
        for (Vcpu* const vcpu : vcpus) scheduler.pause_domain(vcpu->domain());
        (void)scheduler.pick_next(PcpuId{0}, current, machine().now);
    }

    // What the scheduler must know by itself: may this vcpu run?
    struct Wish {
        bool is_blocked = false;
        unsigned pauses = 0;
        u64 waited = 0;  // ticks it could have run and did not
        u64 ran = 0;
    };
    bool can_run(Vcpu* vcpu) { return !wishes[vcpu].is_blocked && wishes[vcpu].pauses + domain_pauses[&vcpu->domain()] == 0; }

    void change_something() {
        Vcpu* const vcpu = vcpus[rng() % vcpus.size()];
        Wish& wish = wishes[vcpu];
        switch (rng() % 6) {
        case 0:
            wish.is_blocked = true;
            scheduler.block(*vcpu);
            break;
        case 1:
            wish.is_blocked = false;
            scheduler.wake(*vcpu);
            break;
        case 2:
            ++wish.pauses;
            scheduler.pause(*vcpu);
            break;
        case 3:
            if (wish.pauses == 0) break;
            --wish.pauses;
            scheduler.unpause(*vcpu);
            break;
        case 4:
            ++domain_pauses[&vcpu->domain()];
            scheduler.pause_domain(vcpu->domain());
            break;
        default:
            if (domain_pauses[&vcpu->domain()] == 0) break;
            --domain_pauses[&vcpu->domain()];
            scheduler.unpause_domain(vcpu->domain());
        }
    }
    void let_all_run() {
        for (Vcpu* const vcpu : vcpus) {
            for (; wishes[vcpu].pauses > 0; --wishes[vcpu].pauses) scheduler.unpause(*vcpu);
            for (; domain_pauses[&vcpu->domain()] > 0; --domain_pauses[&vcpu->domain()]) scheduler.unpause_domain(vcpu->domain());
            wishes[vcpu].is_blocked = false;
            scheduler.wake(*vcpu);
        }
    }
    void tick() {
        scheduler.note_time(PcpuId{0}, machine().now);
        if (scheduler.wants_decision(PcpuId{0})) current = scheduler.pick_next(PcpuId{0}, current, machine().now);
        bool const somebody_can = std::any_of(vcpus.begin(), vcpus.end(), [&](Vcpu* vcpu) { return can_run(vcpu); });
        REQUIRE((current != nullptr) == somebody_can);  // work is done whenever there is some
        if (current != nullptr) REQUIRE(can_run(current));
        for (Vcpu* const vcpu : vcpus) {
            Wish& wish = wishes[vcpu];
            wish.waited = can_run(vcpu) && vcpu != current ? wish.waited + 1 : 0;
            wish.ran += vcpu == current ? 1 : 0;
            REQUIRE(wish.waited < 300);  // ticks; six vcpus with slices of ten
        }
        machine().now += kTick;
    }

    std::mt19937_64 rng;
    std::vector<Vcpu*> vcpus;
    std::map<Vcpu*, Wish> wishes;
    std::map<Domain*, unsigned> domain_pauses;
    Vcpu* current = nullptr;
};

}  // namespace

TEST_CASE("only who may run runs, the processor idles only without work, and nobody waits for long", "[property][sched]") {
    for (u64 seed = 1; seed <= 20; ++seed) {
        Run run{seed};
        for (int step = 0; step < 2000; ++step) {
            INFO("seed " << seed << ", step " << step);
            if (run.rng() % 3 == 0) run.change_something();
            run.tick();
        }
        run.let_all_run();
    }
}

TEST_CASE("vcpus that only compute share the processor evenly", "[property][sched]") {
    Run run{1};
    for (int step = 0; step < 6000; ++step) run.tick();
    for (Vcpu* const vcpu : run.vcpus) {
        CHECK(run.wishes[vcpu].ran > 900);
        CHECK(run.wishes[vcpu].ran < 1100);
    }
}

TEST_CASE("who has computed alone for seconds need not wait until one that comes has caught up", "[property][sched]") {
    Run run{1};
    for (Vcpu* const vcpu : run.vcpus) {
        run.wishes[vcpu].is_blocked = true;
        run.scheduler.block(*vcpu);
    }
    auto const wake = [&](Vcpu* vcpu) {
        run.wishes[vcpu].is_blocked = false;
        run.scheduler.wake(*vcpu);
    };
    wake(run.vcpus[0]);
    for (int step = 0; step < 3000; ++step) run.tick();
    wake(run.vcpus[2]);
    for (int step = 0; step < 200; ++step) {
        run.tick();
        REQUIRE(run.wishes[run.vcpus[0]].waited <= 20);
        REQUIRE(run.wishes[run.vcpus[2]].waited <= 20);
    }
}
