// SPDX-License-Identifier: Apache-2.0
// What every measurement is made of.
#pragma once
#include "rt/guest.hpp"

namespace hospes::guest {

constexpr u64 kNsPerMs = 1'000'000;

inline void figure(const char *name, u64 value) { printk("sched %s %lu\n", name, value); }

inline void require(long result, const char *what) {
    if (result == 0) return;
    printk("sched: %s: %ld\n", what, result);
    shutdown(SHUTDOWN_crash);
}

/// Returns the time it is then: as soon after `deadline` as we got the processor.
inline u64 sleep_until(u64 deadline) {
    for (;;) {
        const u64 now = system_time_ns();
        if (now >= deadline) return now;
        static_cast<void>(hv::set_timer_op(deadline));
        static_cast<void>(wait_for_event());
    }
}

}  // namespace hospes::guest
