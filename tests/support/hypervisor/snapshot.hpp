// SPDX-License-Identifier: Apache-2.0
// The state of a world in words: what belongs to whom, is counted, bound, granted and loaded. Two of them tell whether a call has changed
// anything, or has had the same effect as another.
#pragma once

#include "tests/support/hypervisor/world.hpp"

#include <string>
#include <vector>

namespace hospes::test {

struct Snapshot {
    explicit Snapshot(World& world);

    std::vector<std::string> exact;    // with frame numbers and contents: equal when nothing has changed
    std::vector<std::string> effect;   // without: equal when the same has been done, with whatever frames
    std::vector<std::string> tables;   // what the core keeps for a domain once it has grown: free pages, grant frames and what they say
};

// Empty, or the first line that only one of them has.
std::string difference(std::vector<std::string> const& before, std::vector<std::string> const& after);

}  // namespace hospes::test
