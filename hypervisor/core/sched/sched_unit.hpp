// SPDX-License-Identifier: Apache-2.0
// What the scheduler knows of one vcpu.
#pragma once

#include "hypervisor/base/strong.hpp"

#include <atomic>

namespace hospes {

class Vcpu;

// The four states of xen/vcpu.h (RUNSTATE_*), same numbers.
enum class RunState : u8 { running = 0, runnable = 1, blocked = 2, offline = 3 };

inline constexpr u32 kDefaultWeight = 256;
inline constexpr u32 kNoPcpu = ~u32{0};

struct SchedUnit {
    RunState state = RunState::offline;
    bool is_blocked = false;    // SCHEDOP_block or poll: waits for an event
    bool is_queued = false;
    bool has_news = false;      // it runs again: its time and runstate areas are to be written
    u32 pause_count = 0;        // of the vcpu itself; the domain has its own
    u32 weight = kDefaultWeight;
    PcpuId pcpu{};              // where it runs or last ran
    std::atomic<u32> loaded_on{kNoPcpu};  // the pcpu that holds its registers, address space and FPU state
    Nanoseconds virtual_time{};  // time used, scaled by the weight: who has used least runs first
    Nanoseconds charged_until{};
    Nanoseconds state_entry{};  // since when `state`
    Nanoseconds time[4]{};      // spent in each state until state_entry
    Vcpu* next = nullptr;       // run queue
};

}  // namespace hospes
