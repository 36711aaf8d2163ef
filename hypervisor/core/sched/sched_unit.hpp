// SPDX-License-Identifier: Apache-2.0
// What the scheduler knows of one vcpu. The atomic fields may be read anywhere; the others belong to the lock of the vcpu's run queue.
#pragma once

#include "hypervisor/base/strong.hpp"
#include "hypervisor/ports/tlb.hpp"

#include <atomic>

namespace hospes {

class Vcpu;

// The four states of xen/vcpu.h (RUNSTATE_*), same numbers.
enum class RunState : u8 { running = 0, runnable = 1, blocked = 2, offline = 3 };

// Is the vcpu in a list of its run queue?
enum class Standing : u8 { nowhere, waiting, parked };

inline constexpr u32 kNoPcpu = ~u32{0};
inline constexpr u32 kDefaultWeight = 256;

struct SchedUnit {
    std::atomic<RunState> state{RunState::offline};
    std::atomic<bool> is_blocked{false};   // SCHEDOP_block or poll: waits for an event
    std::atomic<u32> pause_count{0};       // of the vcpu itself; the domain has its own
    std::atomic<PcpuId> pcpu{}; // whose run queue it belongs to: there it runs, waits or ran last
    std::atomic<u32> loaded_on{kNoPcpu};   // the pcpu that holds its registers, address space and FPU state
    bool has_news = false;  // it runs again: its time and runstate areas are to be written. Used on the pcpu it runs on

    Standing standing = Standing::nowhere;
    PcpuMask hard_affinity = ~PcpuMask{0};  // where it may run,
    PcpuMask soft_affinity = ~PcpuMask{0};  // and where it would rather
    u32 weight = kDefaultWeight;            // the domain's when it was last queued
    u64 remainder = 0;                      // of the last division by the weight
    u64 virtual_time = 0;                   // ns used, scaled by the weight: who has used least runs first. Wraps around
    Nanoseconds charged_until{};
    Nanoseconds state_entry{};  // since when `state`
    Nanoseconds time[4]{};      // spent in each state until state_entry
    Vcpu* next = nullptr;       // in the list
    Vcpu* previous = nullptr;
};

}  // namespace hospes
