// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hypercall/faults/scenario.hpp"

#include "hypervisor/core/domain/life_cycle.hpp"
#include "tests/support/hypervisor/fault_injection.hpp"
#include "tests/support/hypervisor/whole_recount.hpp"

#include <catch2/catch.hpp>

namespace hospes::test {

namespace {

constexpr int kMostPlaces = 2000;

struct Performance {
    explicit Performance(Scenario const& s) : scenario{s} {
        if (scenario.set_up != nullptr) scenario.set_up(stage);
        machine().log.clear();
    }
    i64 play(unsigned operations) {
        Call const call = scenario.call(stage, operations);
        i64 const result = World::hypercall(call.caller, call.number, call.args);
        reap_dead_domains(stage.system);  // as on the way back to the guest
        return result;
    }
    bool is_told(i64 result) {
        if (scenario.is_told != nullptr) return scenario.is_told(stage, result);
        return result == to_abi(Errno::fault) || result == to_abi(Errno::no_memory);
    }

    Scenario const& scenario;
    Scene stage;
};

// What the world looks like after 0, 1, ... of the operations.
std::vector<Snapshot> milestones(Scenario const& scenario) {
    std::vector<Snapshot> all;
    for (unsigned operations = 0; operations <= scenario.operations; ++operations) {
        Performance performance{scenario};
        if (operations == 0) {
            all.emplace_back(performance.stage);
            continue;
        }
        i64 const result = performance.play(operations);
        INFO("result " << result << " of " << operations << " operations");
        REQUIRE(((operations < scenario.operations && result >= 0) || result == scenario.result));
        std::string const wrong = difference_of_all(performance.stage);
        INFO(wrong);
        REQUIRE(wrong.empty());
        all.emplace_back(performance.stage);
    }
    return all;
}

bool is_same(Scenario const& scenario, Snapshot const& a, Snapshot const& b) {
    return a.effect == b.effect && (scenario.keeps == Keeps::grown_tables || a.tables == b.tables);
}

void require_milestone(Scenario const& scenario, std::vector<Snapshot> const& all, Snapshot const& before, Snapshot const& after) {
    if (before.exact == after.exact && is_same(scenario, before, after)) return;
    usize const most = scenario.operations - (scenario.tells_late ? 0 : 1);
    for (usize done = 1; done <= most; ++done)
        if (is_same(scenario, all[done], after)) return;
    INFO(difference(before.exact, after.exact));
    INFO(difference(before.tables, after.tables));
    FAIL("it failed in between: not as before, nor after a whole number of operations");
}

void require_consistent(Performance& performance) {
    std::string const wrong = difference_of_all(performance.stage);
    INFO(wrong);
    REQUIRE(wrong.empty());
    check_invariants(performance.stage);
}

void require_same(std::vector<std::string> const& wanted, std::vector<std::string> const& got) {
    std::string const wrong = difference(wanted, got);
    INFO(wrong);
    REQUIRE(wrong.empty());
}

// False: there is no n-th place to fail.
bool fail_once(Scenario const& scenario, std::vector<Snapshot> const& all, int place) {
    Performance performance{scenario};
    Snapshot const before{performance.stage};
    fault_injection() = {.fail_at = place};
    i64 const result = performance.play(scenario.operations);
    bool const has_failed = fault_injection().has_failed;
    fault_injection() = {};
    INFO("place " << place << " fails, result " << result);
    require_consistent(performance);
    Snapshot const after{performance.stage};
    if (!has_failed) {
        REQUIRE(result == scenario.result);
        return false;
    }
    REQUIRE(performance.is_told(result));
    require_milestone(scenario, all, before, after);
    if (before.exact != after.exact) return true;  // partly done: the guest goes on from there
    REQUIRE(performance.play(scenario.operations) == scenario.result);
    Snapshot const again{performance.stage};
    require_same(all.back().effect, again.effect);
    require_same(all.back().tables, again.tables);
    return true;
}

// False: it does not ask so often.
bool interrupt_once(Scenario const& scenario, Snapshot const& wanted, int chance) {
    Performance performance{scenario};
    machine().preempt_after = chance;
    i64 const result = performance.play(scenario.operations);
    bool const was_interrupted = machine().preempt_after < 0;
    machine().preempt_after = -1;
    INFO("interrupted at chance " << chance << ", result " << result);
    REQUIRE(result == scenario.result);
    require_consistent(performance);
    for (Domain* const domain : domains_of(performance.stage)) REQUIRE(performance.stage.page_types.settle(*domain).ok());
    Snapshot const after{performance.stage};
    require_same(wanted.effect, after.effect);
    return was_interrupted;
}

}  // namespace

void run_with_faults(std::span<Scenario const> scenarios) {
    for (Scenario const& scenario : scenarios) {
        INFO(scenario.name);
        std::vector<Snapshot> const all = milestones(scenario);
        int places = 1;
        while (fail_once(scenario, all, places)) REQUIRE(++places < kMostPlaces);
        CHECK(places > 1);  // it has a place to fail at
        for (int chance = 0; interrupt_once(scenario, all.back(), chance);) REQUIRE(++chance < kMostPlaces);
    }
}

}  // namespace hospes::test
