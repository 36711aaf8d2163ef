// SPDX-License-Identifier: Apache-2.0
// What the scheduler knows of one vcpu.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

class Vcpu;

// The four states of xen/vcpu.h (RUNSTATE_*), same numbers.
enum class RunState : u8 { running = 0, runnable = 1, blocked = 2, offline = 3 };

struct SchedUnit {
    RunState state = RunState::offline;
    bool is_blocked = false;    // SCHEDOP_block or poll: waits for an event
    bool boosted = false;       // woke up for an event: goes before those that compute
    u32 pause_count = 0;        // of the vcpu itself; the domain has its own
    PcpuId pcpu{};              // where it runs or last ran
    Nanoseconds state_entry{};  // since when `state`
    Nanoseconds time[4]{};      // spent in each state until state_entry
    Nanoseconds slice_end{};
    Vcpu* next = nullptr;  // run queue
    Vcpu* prev = nullptr;
    bool is_queued = false;
};

}  // namespace hospes
