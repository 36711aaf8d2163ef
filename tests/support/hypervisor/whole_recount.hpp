// SPDX-License-Identifier: Apache-2.0
// Every reference in a world counted anew: those of frames and page tables (recount.hpp), and what vcpus and grant handles hold besides.
#pragma once

#include "tests/support/hypervisor/world.hpp"

#include <string>
#include <vector>

namespace hospes::test {

std::vector<Domain*> domains_of(World& world);
// What the live handles of `domain` stand for.
std::vector<GrantMapping> mappings_of(Domain& domain);

// An empty string, or what differs. The test itself holds nothing.
std::string difference_of_all(World& world);

// The invariants that the core can check itself: panics.
void check_invariants(World& world);

}  // namespace hospes::test
