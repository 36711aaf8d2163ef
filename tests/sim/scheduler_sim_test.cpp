// SPDX-License-Identifier: Apache-2.0
// Every figure of every scenario is within its limit.
#include "tests/sim/scenarios.hpp"

#include <catch2/catch.hpp>

using namespace hospes::sim;

TEST_CASE("the simulated scheduler is fair, keeps caps, wakes soon, wastes nothing and loses nothing", "[sim][sched]") {
    for (Scenario const& scenario : scenarios()) {
        SECTION(scenario.name) {
            for (Figure const& figure : scenario.run(1).figures) {
                INFO(figure.what << ", " << figure.unit);
                CHECK(figure.value <= figure.limit);
            }
        }
    }
}
