// SPDX-License-Identifier: Apache-2.0
// `make sched-sim`: every scenario, longer than in `make test`, as a table. Ends with 1 if a figure is above its limit.
#include "tests/sim/scenarios.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>

int main(int argc, char** argv) {
    using namespace hospes::sim;
    unsigned const scale = argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : 5;
    if (scale == 0) {
        std::fprintf(stderr, "sched-sim: '%s' is not a number of times to run each scenario's length\n", argv[1]);
        return 2;
    }
    unsigned above = 0;
    hospes::u64 decisions = 0;
    double simulated = 0;
    std::printf("%-86s %12s %10s\n", "what", "measured", "at most");
    for (Scenario const& scenario : scenarios()) {
        Report const report = scenario.run(scale);
        decisions += report.decisions;
        simulated += report.seconds_simulated;
        for (Figure const& figure : report.figures) {
            bool const is_above = figure.value > figure.limit;
            above += is_above ? 1 : 0;
            std::printf("%-86s %12.3f %10.2f %s%s\n", figure.what.c_str(), figure.value, figure.limit, figure.unit, is_above ? "  ABOVE" : "");
        }
    }
    double const took = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;  // of this process: other work on the host makes no difference
    std::printf("%llu decisions, %.0f s of machine time in %.2f s of a processor: %.2f million decisions a second; %u figures above their limit\n",
                static_cast<unsigned long long>(decisions), simulated, took, static_cast<double>(decisions) / took / 1e6, above);
    return above == 0 ? 0 : 1;
}
