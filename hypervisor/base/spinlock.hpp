// SPDX-License-Identifier: Apache-2.0
// The core's only lock. The core runs with interrupts off, so a holder is never interrupted by another taker on its pcpu.
#pragma once

#include "hypervisor/base/assert.hpp"
#include "hypervisor/base/types.hpp"

#include <atomic>

namespace hospes {

// What a pcpu does while it waits for another: the requests of others (ports/ipi.hpp), for interrupts are off.
void relax_while_waiting();

// Locks are taken in increasing rank only. The core lock (core/core_lock.hpp) comes before all of them.
enum class LockRank : u8 {
    domain_list = 1,  // the table of domains
    domain = 2,       // memory accounting and life cycle of one domain
    grant = 3,        // one grant table; of two, the one with the lower domain number first
    event = 4,        // the ports of one domain; of two, the lower domain number first
    pirq = 5,         // physical interrupts
    heap = 6,         // free lists
    timer = 7,        // the timers kept with one pcpu; of two, the lower number first
    sched = 8,        // run queue
    budget = 9,       // what a capped domain may still use
    console = 10,     // serial output: always last
};

class Spinlock {
public:
    explicit constexpr Spinlock(LockRank rank) : rank_{rank} {}
    Spinlock(Spinlock const&) = delete;
    Spinlock& operator=(Spinlock const&) = delete;

    void lock() {
        if (held_.exchange(true, std::memory_order_acquire)) [[unlikely]] wait_and_lock();
    }
    bool try_lock() { return !held_.exchange(true, std::memory_order_acquire); }
    void unlock() { held_.store(false, std::memory_order_release); }
    bool is_held() const { return held_.load(std::memory_order_relaxed); }
    LockRank rank() const { return rank_; }

private:
    // Apart from lock(), so that who finds the lock free pays for nothing of it.
    [[gnu::noinline, gnu::cold]] void wait_and_lock() {
        do {
            while (held_.load(std::memory_order_relaxed)) relax_while_waiting();
        } while (held_.exchange(true, std::memory_order_acquire));
    }

    std::atomic<bool> held_{false};
    LockRank rank_;
};

class [[nodiscard]] LockGuard {
public:
    explicit LockGuard(Spinlock& lock) : lock_{lock} { lock_.lock(); }
    ~LockGuard() { lock_.unlock(); }
    LockGuard(LockGuard const&) = delete;
    LockGuard& operator=(LockGuard const&) = delete;

private:
    Spinlock& lock_;
};

// Two locks of the same rank (two domains' event or grant locks), taken in the order of their keys; the same lock twice is taken once.
class [[nodiscard]] PairGuard {
public:
    PairGuard(Spinlock& a, u64 key_a, Spinlock& b, u64 key_b)
        : first_{key_a <= key_b ? a : b}, second_{&a == &b ? nullptr : (key_a <= key_b ? &b : &a)} {
        first_.lock();
        if (second_ != nullptr) second_->lock();
    }
    ~PairGuard() {
        if (second_ != nullptr) second_->unlock();
        first_.unlock();
    }
    PairGuard(PairGuard const&) = delete;
    PairGuard& operator=(PairGuard const&) = delete;

private:
    Spinlock& first_;
    Spinlock* second_;
};

}  // namespace hospes
