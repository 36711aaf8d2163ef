// SPDX-License-Identifier: Apache-2.0
// How much a domain may put into the core's log in a second: the serial line is slow, and everybody's.
#pragma once

#include "hypervisor/base/strong.hpp"

#include <atomic>

namespace hospes {

inline constexpr u64 kLogBytesPerSecond = 4096;  // a third of what a line at 115,200 baud carries

class LogShare {
public:
    // Takes `bytes` out of the current second's share. False: it is used up, and nothing more is to be written until the next second.
    bool take(u64 bytes, Nanoseconds now) {
        u64 const second = now.raw() / 1'000'000'000 << kSecondShift;
        u64 word = word_.load(std::memory_order_relaxed);
        u64 next = 0;
        do {
            u64 const used = (word >> kSecondShift << kSecondShift) == second ? word - second : 0;
            if (bytes > kLogBytesPerSecond - used) return false;
            next = second + used + bytes;
        } while (!word_.compare_exchange_weak(word, next, std::memory_order_relaxed));
        return true;
    }

private:
    static constexpr unsigned kSecondShift = 16;
    static_assert(kLogBytesPerSecond < u64{1} << kSecondShift);

    std::atomic<u64> word_{0};  // the second, and the bytes used in it
};

}  // namespace hospes
