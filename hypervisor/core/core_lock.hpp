// SPDX-License-Identifier: Apache-2.0
// The core lock. Whoever reads or changes what belongs to more than its own vcpu holds it: page tables, grants, domains, devices. It keeps
// every Domain and Vcpu that was looked up alive until it is released. Outside it run what a guest does most - system calls, exceptions,
// iret, stack and segment switches, event sends, timers, scheduling - with the finer locks of base/spinlock.hpp or none.
//
// Interrupt handlers never take it: they may come in the window that preempt_pending() opens for a holder. It is fair: a ticket each.
#pragma once

#include "hypervisor/base/spinlock.hpp"

namespace hospes {

class CoreLock {
public:
    void lock() {
        u32 const ticket = next_.fetch_add(1, std::memory_order_relaxed);
        if (serving_.load(std::memory_order_acquire) != ticket) [[unlikely]] wait_for(ticket);
    }
    void unlock() { serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
    // For its holder: does somebody wait?
    bool is_wanted() const { return next_.load(std::memory_order_relaxed) - serving_.load(std::memory_order_relaxed) > 1; }

private:
    [[gnu::noinline, gnu::cold]] void wait_for(u32 ticket) {
        while (serving_.load(std::memory_order_acquire) != ticket) relax_while_waiting();
    }

    std::atomic<u32> next_{0};
    std::atomic<u32> serving_{0};
};

inline constinit CoreLock core_lock;

class [[nodiscard]] CoreGuard {
public:
    CoreGuard() { core_lock.lock(); }
    ~CoreGuard() { core_lock.unlock(); }
    CoreGuard(CoreGuard const&) = delete;
    CoreGuard& operator=(CoreGuard const&) = delete;
};

}  // namespace hospes
