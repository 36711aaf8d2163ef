// SPDX-License-Identifier: Apache-2.0
// The small services of a machine (floor 3), as a test sees and steers them. One state for all: reset by each World.
#pragma once

#include "hypervisor/base/strong.hpp"
#include "hypervisor/ports/tlb.hpp"

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace hospes::test {

// What panic() throws on the host.
struct HostPanic : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct FakeMachine {
    PcpuId pcpu{};  // the one the test plays

    // Processors: those that are there, and whether they are online; one asked to park or to return does it at once, or when told to.
    std::vector<bool> online{true};
    std::function<void(PcpuId)> on_return;
    bool parks_at_once = true;
    std::vector<std::pair<PcpuId, bool>> asked;  // that have not done it yet, and whether they shall be online
    void do_what_is_asked();

    // Preemption: preempt_pending() says true when the countdown reaches zero, once; negative: never.
    int preempt_after = -1;
    bool is_always_wanted = false;  // true every time
    unsigned preempt_questions = 0;

    // TLB: the clock moves on each flush; `unflushed` remembers nothing, the tests compare clocks.
    u64 tlb_clock = 1;
    unsigned tlb_flushes = 0;
    std::function<void()> on_flush;  // runs at each flush that happens, before it counts
    std::vector<std::pair<PcpuMask, GuestAddress>> pages_flushed;  // of one page, by whom

    std::vector<PcpuId> kicks;
    Nanoseconds now{};
    Nanoseconds timer = Nanoseconds::never();
    std::vector<std::string> log;
};

FakeMachine& machine();

}  // namespace hospes::test
