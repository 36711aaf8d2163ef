// SPDX-License-Identifier: Apache-2.0
// How the fuzzers of the core play their input: one action after the other in a world of its own.
#pragma once

#include "tests/fuzz/fuzz_input.hpp"
#include "tests/support/hypervisor/fake_guest_memory.hpp"
#include "tests/support/hypervisor/fake_machine.hpp"

namespace hospes::test {

// For as long as it lives, the copy of guest memory after `faults` good ones fails, and preemption is asked for after `preempts` looks; -1: never.
class Trouble {
public:
    Trouble(int faults, int preempts) {
        guest_memory().fault_after = faults;
        machine().preempt_after = preempts;
    }
    ~Trouble() {
        guest_memory().fault_after = -1;
        machine().preempt_after = -1;
    }
    Trouble(Trouble const&) = delete;
    Trouble& operator=(Trouble const&) = delete;
};

// Actions in a new `World` until the input is used up, each followed by `check`, which panics when something is wrong. Returns 0.
template <typename World>
int run_all(FuzzInput input, void (*action)(World&, FuzzInput&), void (*check)(World&)) {
    World world;
    while (!input.is_empty()) {
        action(world, input);
        check(world);
    }
    return 0;
}

}  // namespace hospes::test
