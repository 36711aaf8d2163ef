// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/scenarios.hpp"

#include "tests/sim/measures.hpp"

#include <algorithm>
#include <bit>

namespace hospes::sim {
namespace {

constexpr Nanoseconds kSecond = Nanoseconds::from_ms(1000);
constexpr double kSliceMs = static_cast<double>(kSlice.raw()) / 1e6;

Nanoseconds seconds(u64 count) { return Nanoseconds{kSecond.raw() * count}; }

constexpr Habit kSpins{};
constexpr Habit kServesIo{.run = Nanoseconds{200'000}, .sleep = Nanoseconds::from_ms(5)};
constexpr Habit kTypist{.run = Nanoseconds::from_ms(2), .sleep = Nanoseconds::from_ms(50)};

// Adds a simulation's load to the report, and what every simulation must be right in.
void finish(Report& report, Simulation& simulation, std::string const& name) {
    report.decisions += simulation.decisions();
    report.seconds_simulated += static_cast<double>(simulation.elapsed().raw()) / 1e9;
    report.figures.push_back({name + ": starts where it may not run", static_cast<double>(simulation.misplaced()), 0, ""});
}

std::string on(u32 pcpus) { return std::to_string(pcpus) + (pcpus == 1 ? " pcpu" : " pcpus"); }

Report two_weights(unsigned scale) {
    Report report;
    for (u32 const weight : {512u, 1024u, 4096u, 65535u}) {
        Simulation simulation{weight, 1};
        simulation.add_vcpu(simulation.add_domain(256));
        simulation.add_vcpu(simulation.add_domain(weight));
        simulation.run(seconds(1));
        simulation.forget();
        simulation.run(seconds(20 * scale));
        std::string const name = "weights 256:" + std::to_string(weight);
        report.figures.push_back({name + ": from the fair share", fairness_error(simulation, 1), 3, "%"});
        finish(report, simulation, name);
    }
    return report;
}

// Hundreds of vcpus of random weights that only compute.
Report many_weights(unsigned scale) {
    Report report;
    for (u32 const pcpus : {1u, 2u, 4u, 16u, 64u}) {
        Simulation simulation{pcpus, pcpus};
        std::mt19937_64 rng{pcpus};
        u32 const vcpus = pcpus == 1 ? 16 : pcpus * 6;
        for (u32 i = 0; i < vcpus; ++i) simulation.add_vcpu(simulation.add_domain(128 + static_cast<u32>(rng() % 896)));
        simulation.run(seconds(3));
        simulation.forget();
        simulation.run(seconds(20 * scale));
        std::string const name = std::to_string(vcpus) + " vcpus of random weights on " + on(pcpus);
        report.figures.push_back({name + ": from the fair share", fairness_error(simulation, pcpus), 2, "%"});
        report.figures.push_back({name + ": longest wait", longest_wait(simulation), vcpus * kSliceMs * 8 / pcpus, "ms"});
        report.figures.push_back({name + ": idle beside work", wasted(simulation), 0.01, "%"});
        finish(report, simulation, name);
    }
    return report;
}

// One vcpu too many: those who share a pcpu have to take turns.
Report one_too_many(unsigned scale) {
    Report report;
    for (u32 const pcpus : {2u, 4u, 16u, 64u}) {
        Simulation simulation{pcpus, pcpus};
        for (u32 i = 0; i <= pcpus; ++i) simulation.add_vcpu(simulation.add_domain());
        simulation.run(seconds(1));
        simulation.forget();
        simulation.run(seconds(20 * scale));
        std::string const name = std::to_string(pcpus + 1) + " equal vcpus on " + on(pcpus);
        report.figures.push_back({name + ": from the fair share", fairness_error(simulation, pcpus), 2, "%"});
        report.figures.push_back({name + ": longest wait", longest_wait(simulation), 10 * kSliceMs, "ms"});
        finish(report, simulation, name);
    }
    return report;
}

struct Capped {
    char const* name;
    u32 pcpus, cap, vcpus, rivals;
    Habit habit;
};

Report caps(unsigned scale) {
    Report report;
    constexpr Capped kCases[] = {
        {"cap 50, alone", 1, 50, 1, 0, kSpins},
        {"cap 20 beside three", 1, 20, 1, 3, kSpins},
        {"cap 5, alone", 1, 5, 1, 0, kSpins},
        {"cap 25, four vcpus on four pcpus", 4, 25, 4, 0, kSpins},
        {"cap 50, four vcpus on four pcpus", 4, 50, 4, 0, kSpins},
        {"cap 150, four vcpus on four pcpus, four rivals", 4, 150, 4, 4, kSpins},
        {"cap 50, one that sleeps in between", 1, 50, 1, 0, {.run = Nanoseconds::from_ms(8), .sleep = Nanoseconds::from_ms(1)}},
    };
    for (Capped const& each : kCases) {
        Simulation simulation{each.cap, each.pcpus};
        Domain& domain = simulation.add_domain(256, each.cap);
        for (u32 i = 0; i < each.vcpus; ++i) simulation.add_vcpu(domain, each.habit);
        for (u32 i = 0; i < each.rivals; ++i) simulation.add_vcpu(simulation.add_domain());
        simulation.run(seconds(1));
        simulation.forget();
        simulation.run(seconds(10 * scale));
        std::string const name{each.name};
        report.figures.push_back({name + ": from the cap", std::abs(usage(simulation, domain) - each.cap), 1, "points"});
        finish(report, simulation, name);
    }
    return report;
}

// Some that wake up for a moment, beside more that only compute than there are pcpus.
Report sleepers(unsigned scale) {
    Report report;
    struct Case {
        char const* name;
        u32 pcpus, spinners, sleepers;
        Habit habit;
    };
    constexpr Case kCases[] = {
        {"one that sleeps beside four that spin", 1, 4, 1, kTypist},
        {"one that serves I/O beside four that spin", 1, 4, 1, kServesIo},
        {"one that serves I/O beside eight that spin", 2, 8, 1, kServesIo},
        {"eight that serve I/O beside 32 that spin", 4, 32, 8, kServesIo},
        {"64 that serve I/O beside 256 that spin", 64, 256, 64, kServesIo},
    };
    for (Case const& each : kCases) {
        Simulation simulation{each.spinners, each.pcpus};
        for (u32 i = 0; i < each.spinners; ++i) simulation.add_vcpu(simulation.add_domain());
        for (u32 i = 0; i < each.sleepers; ++i) simulation.add_vcpu(simulation.add_domain(), each.habit);
        simulation.run(seconds(1));
        simulation.forget();
        simulation.run(seconds(10 * scale));
        std::string const name = each.name + (", " + on(each.pcpus));
        Latency const latency = wake_latency(simulation);
        report.figures.push_back({name + ": wake-up, median", latency.median, 0.1, "ms"});
        report.figures.push_back({name + ": wake-up, 99 %", latency.percentile_99, kSliceMs / 2, "ms"});
        report.figures.push_back({name + ": wake-up, longest", latency.most, kSliceMs, "ms"});
        finish(report, simulation, name);
    }
    return report;
}

// Hundreds that come and go, and some that always compute: those share evenly, nothing idles, the books are right.
Report churn(unsigned scale) {
    Report report;
    for (u32 const pcpus : {1u, 4u, 16u, 64u}) {
        Simulation simulation{pcpus, pcpus};
        std::mt19937_64 rng{pcpus};
        u32 const hogs = 2 * pcpus;
        for (u32 i = 0; i < hogs; ++i) simulation.add_vcpu(simulation.add_domain());
        for (u32 i = 0; i < 4 * pcpus; ++i) {
            Habit const habit{.run = Nanoseconds{10'000 + rng() % 3'000'000}, .sleep = Nanoseconds{1'000'000 + rng() % 100'000'000}};
            simulation.add_vcpu(simulation.add_domain(), habit);
        }
        std::string const name = std::to_string(hogs) + " that spin, " + std::to_string(4 * pcpus) + " that come and go, " + on(pcpus);
        simulation.run(seconds(10 * scale));
        std::vector<u64> ran;
        for (u32 i = 0; i < hogs; ++i) ran.push_back(simulation.ran(*simulation.guests()[i]).raw());
        auto const [least, most] = std::minmax_element(ran.begin(), ran.end());
        report.figures.push_back({name + ": most to least of equals", (static_cast<double>(*most) / static_cast<double>(*least) - 1) * 100, 3, "%"});
        report.figures.push_back({name + ": longest wait", longest_wait(simulation), 10 * kSliceMs, "ms"});
        report.figures.push_back({name + ": idle beside work", wasted(simulation), 0.05, "%"});
        finish(report, simulation, name);
    }
    return report;
}

// The scheduler's books against the simulation's, from the start on.
Report books(unsigned scale) {
    Report report;
    Simulation simulation{1, 8};
    std::mt19937_64 rng{1};
    for (u32 i = 0; i < 64; ++i) {
        Habit const habit{.run = Nanoseconds{10'000 + rng() % 20'000'000}, .sleep = Nanoseconds{rng() % 20'000'000}};
        simulation.add_vcpu(simulation.add_domain(64 + static_cast<u32>(rng() % 1000), rng() % 4 == 0 ? 30 : 0), i % 2 == 0 ? kSpins : habit);
    }
    simulation.run(seconds(10 * scale));
    report.figures.push_back({"64 vcpus on 8 pcpus: time lost or invented", book_error(simulation), 0, "ns"});
    finish(report, simulation, "64 vcpus on 8 pcpus");
    return report;
}

// Every vcpu pinned somewhere, some to one pcpu, pcpus that come and go.
Report affinity(unsigned scale) {
    Report report;
    for (u32 const pcpus : {2u, 4u, 64u}) {
        Simulation simulation{pcpus, pcpus};
        std::mt19937_64 rng{pcpus};
        PcpuMask const all = pcpus == 64 ? ~PcpuMask{0} : (PcpuMask{1} << pcpus) - 1;
        for (u32 i = 0; i < 4 * pcpus; ++i) {
            PcpuMask const one = PcpuMask{1} << rng() % pcpus;
            PcpuMask const some = ((rng() | rng()) & all) | one;
            simulation.add_vcpu(simulation.add_domain(), i % 3 == 0 ? kServesIo : kSpins, i % 2 == 0 ? one : some);
        }
        std::string const name = std::to_string(4 * pcpus) + " pinned vcpus on " + on(pcpus);
        simulation.run(seconds(10 * scale));
        report.figures.push_back({name + ": longest wait", longest_wait(simulation), 20 * kSliceMs, "ms"});
        finish(report, simulation, name);
    }
    return report;
}

// Two groups pinned to a pcpu each: shares are right within each.
Report pinned_groups(unsigned scale) {
    Report report;
    Simulation simulation{1, 2};
    Domain& light = simulation.add_domain(256);
    Domain& heavy = simulation.add_domain(512);
    Domain& alone = simulation.add_domain(256);
    simulation.add_vcpu(light, kSpins, 1);
    simulation.add_vcpu(heavy, kSpins, 1);
    simulation.add_vcpu(alone, kSpins, 2);
    simulation.run(seconds(1));
    simulation.forget();
    simulation.run(seconds(10 * scale));
    report.figures.push_back({"weights 256:512 pinned to one of two pcpus: from 1:2", std::abs(usage(simulation, heavy) / usage(simulation, light) / 2 - 1) * 100, 3, "%"});
    report.figures.push_back({"alone on the other pcpu: away from it", 100 - usage(simulation, alone), 0.1, "%"});
    finish(report, simulation, "two pinned, one alone");
    return report;
}

// Pcpus go and come back under load.
Report hot_plug(unsigned scale) {
    Report report;
    Simulation simulation{1, 8};
    for (u32 i = 0; i < 32; ++i) simulation.add_vcpu(simulation.add_domain(), i % 4 == 0 ? kServesIo : kSpins);
    std::mt19937_64 rng{1};
    PcpuMask online = 0xff;
    for (unsigned i = 0; i < 500 * scale; ++i) {
        u32 const pcpu = static_cast<u32>(1 + rng() % 7);
        (online >> pcpu & 1) != 0 ? simulation.take_offline(pcpu) : simulation.bring_online(pcpu);
        online ^= PcpuMask{1} << pcpu;
        simulation.run(Nanoseconds::from_ms(20));
    }
    report.figures.push_back({"pcpus come and go: longest wait", longest_wait(simulation), 40 * kSliceMs, "ms"});
    report.figures.push_back({"pcpus come and go: time lost or invented", book_error(simulation), 0, "ns"});
    finish(report, simulation, "pcpus come and go");
    return report;
}

}  // namespace

std::vector<Scenario> const& scenarios() {
    static std::vector<Scenario> const all{
        {"two weights", two_weights}, {"many weights", many_weights}, {"one too many", one_too_many}, {"caps", caps},
        {"sleepers", sleepers},       {"churn", churn},               {"books", books},               {"affinity", affinity},
        {"pinned groups", pinned_groups}, {"hot plug", hot_plug},
    };
    return all;
}

}  // namespace hospes::sim
