// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "rt/guest.hpp"

namespace hospes::guest {

void bench_hypercalls(const char *);
void bench_memory(const char *);
void bench_events(const char *);
void bench_user_mode(const char *);
void bench_traps(const char *);

/// How often an operation is repeated in one measurement.
inline u64 rounds() { return option_number("rounds", 1000); }

/// Repeats `operation` and prints "BENCH name: N ticks", the least mean of five measurements, loop included.
template <class Operation> void measure(const char *name, const Operation &operation) {
    const u64 count = rounds();
    u64 best = ~0ULL;
    for (unsigned attempt = 0; attempt < 5; ++attempt) {
        const u64 start = read_tsc();
        for (u64 i = 0; i < count; ++i) operation();
        const u64 ticks = (read_tsc() - start) / count;
        if (ticks < best) best = ticks;
    }
    printk("BENCH %s: %lu ticks\n", name, best);
}

}  // namespace hospes::guest
