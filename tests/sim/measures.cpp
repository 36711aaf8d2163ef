// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/measures.hpp"

#include <algorithm>
#include <cmath>

namespace hospes::sim {
namespace {

double milliseconds(Nanoseconds time) { return static_cast<double>(time.raw()) / 1e6; }

}  // namespace

std::vector<double> fair_shares(Simulation const& simulation, double pcpus) {
    auto const& guests = simulation.guests();
    std::vector<double> share(guests.size(), 0);
    double left = pcpus;
    for (bool is_done = false; !is_done;) {  // who would get more than a processor gets one; the others share the rest
        is_done = true;
        double weight = 0;
        for (usize i = 0; i < guests.size(); ++i) weight += share[i] == 1 ? 0 : guests[i]->vcpu->domain().share.weight.load();
        for (usize i = 0; i < guests.size(); ++i) {
            if (share[i] == 1) continue;
            share[i] = left * guests[i]->vcpu->domain().share.weight.load() / weight;
            if (share[i] < 1) continue;
            share[i] = 1;
            is_done = false;
        }
        left = pcpus - static_cast<double>(std::count(share.begin(), share.end(), 1.0));
    }
    return share;
}

double fairness_error(Simulation const& simulation, double pcpus) {
    std::vector<double> const fair = fair_shares(simulation, pcpus);
    double most = 0;
    for (usize i = 0; i < fair.size(); ++i) {
        double const got = milliseconds(simulation.ran(*simulation.guests()[i])) / milliseconds(simulation.elapsed());
        most = std::max(most, std::abs(got - fair[i]) / fair[i] * 100);
    }
    return most;
}

double usage(Simulation const& simulation, Domain const& domain) {
    double sum = 0;
    for (auto const& guest : simulation.guests()) sum += &guest->vcpu->domain() == &domain ? milliseconds(simulation.ran(*guest)) : 0;
    return sum / milliseconds(simulation.elapsed()) * 100;
}

Latency wake_latency(Simulation const& simulation) {
    std::vector<Nanoseconds> all;
    for (auto const& guest : simulation.guests()) all.insert(all.end(), guest->wake_latencies.begin(), guest->wake_latencies.end());
    if (all.empty()) return {};
    std::sort(all.begin(), all.end());
    return {milliseconds(all[all.size() / 2]), milliseconds(all[all.size() * 99 / 100]), milliseconds(all.back())};
}

double longest_wait(Simulation const& simulation) {
    Nanoseconds most{};
    for (auto const& guest : simulation.guests()) {
        most = std::max(most, guest->longest_wait);
        if (guest->is_ready && guest->on == kNoPcpu) most = std::max(most, simulation.now() - guest->since);
    }
    return milliseconds(most);
}

double wasted(Simulation const& simulation) {
    return static_cast<double>(simulation.pcpu_time_wasted()) / 1e4 / (milliseconds(simulation.elapsed()) * simulation.pcpu_count());
}

double book_error(Simulation& simulation) {
    double most = 0;
    double sum = 0;
    for (auto const& guest : simulation.guests()) {
        RunTimes const books = simulation.scheduler().times_of(*guest->vcpu, Simulation::now());
        double const ran = static_cast<double>(simulation.ran(*guest).raw());
        sum += ran;
        most = std::max(most, std::abs(ran - static_cast<double>(books.in(RunState::running).raw())));
        Nanoseconds all{};
        for (Nanoseconds const each : books.time) all += each;
        most = std::max(most, std::abs(static_cast<double>(all.raw()) - static_cast<double>(Simulation::now().raw())));
    }
    return std::max(most, std::abs(sum - static_cast<double>(simulation.busy().raw())));
}

}  // namespace hospes::sim
