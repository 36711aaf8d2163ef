// SPDX-License-Identifier: Apache-2.0
// Loads for the simulated machine, and what each says about the scheduler.
#pragma once

#include "hypervisor/base/types.hpp"

#include <string>
#include <vector>

namespace hospes::sim {

// One line of the table: what was measured, and the most that it may be.
struct Figure {
    std::string what;
    double value;
    double limit;
    char const* unit;
};

struct Report {
    std::vector<Figure> figures;
    u64 decisions = 0;
    double seconds_simulated = 0;
};

struct Scenario {
    char const* name;
    // `scale`: how long, in simulated time; 1 is what `make test` runs.
    Report (*run)(unsigned scale);
};

std::vector<Scenario> const& scenarios();

}  // namespace hospes::sim
