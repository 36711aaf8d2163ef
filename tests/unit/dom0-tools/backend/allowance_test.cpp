// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/allowance.hpp"

#include <catch2/catch.hpp>

using namespace hospes::backend;
using namespace std::chrono_literals;

TEST_CASE("an allowance is so many at once, then one in each pause, and is saved up again", "[backend][allowance]") {
    Allowance allowance{3, 10s};
    auto const start = Allowance::Clock::now();
    for (int i = 0; i < 3; ++i) CHECK(allowance.take(start) == 0ms);
    CHECK(allowance.take(start) == 10s);
    CHECK(allowance.take(start + 4s) == 6s);
    CHECK(allowance.take(start + 10s) == 0ms);
    CHECK(allowance.take(start + 10s) == 10s);
    for (int i = 0; i < 3; ++i) CHECK(allowance.take(start + 100s) == 0ms);
    CHECK(allowance.take(start + 100s) == 10s);
}
