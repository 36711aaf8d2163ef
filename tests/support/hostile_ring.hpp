// SPDX-License-Identifier: Apache-2.0
// What all tests of backends against hostile frontends share: random steps until the backend gives the connection up.
#pragma once

#include <catch2/catch.hpp>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace hospes::test {

// `step` is done 300 times or until there is a failure; all that for 20 seeds, one for each run of the test case.
template <typename Step>
void attack(std::vector<std::string> const& failures, Step const& step) {
    auto const seed = GENERATE(take(20, random(0u, UINT32_MAX)));
    INFO("seed " << seed);
    std::mt19937 rng{seed};
    for (int count = 0; count < 300 && failures.empty(); ++count) step(rng);
}

// A slot whose bytes are what `pick` gives.
template <typename Slot, typename Pick>
Slot slot_of_bytes(Pick const& pick) {
    Slot slot;
    auto* const bytes = reinterpret_cast<std::byte*>(&slot);
    for (std::size_t i = 0; i < sizeof slot; ++i) bytes[i] = static_cast<std::byte>(pick());
    return slot;
}

}  // namespace hospes::test
