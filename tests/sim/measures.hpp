// SPDX-License-Identifier: Apache-2.0
// Figures out of what a simulation counted.
#pragma once

#include "tests/sim/scenarios.hpp"
#include "tests/sim/simulation.hpp"

namespace hospes::sim {

// Each vcpu's share of `pcpus` processors, if it only computes: by weight, none more than one processor. Same order as guests().
std::vector<double> fair_shares(Simulation const& simulation, double pcpus);

// The farthest that any vcpu's time is from its fair share, in percent of that share.
double fairness_error(Simulation const& simulation, double pcpus);

// Processor time of `domain`, in percent of one pcpu.
double usage(Simulation const& simulation, Domain const& domain);

// Times in milliseconds. Of the vcpus that sleep: from wake-up to running; the most and the 99th of a hundred.
struct Latency {
    double median = 0, percentile_99 = 0, most = 0;
};
Latency wake_latency(Simulation const& simulation);
double longest_wait(Simulation const& simulation);

// Pcpu time idle beside a vcpu that waited, in percent of all pcpu time.
double wasted(Simulation const& simulation);

// The largest difference, in ns, of what the scheduler's books say a vcpu has run and what it has run; and of the sum of its states
// and the time that has passed.
double book_error(Simulation& simulation);

}  // namespace hospes::sim
