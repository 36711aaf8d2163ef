// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "rt/guest.hpp"

namespace hospes::guest {

void bench_hypercalls();
void bench_memory();
void bench_grants();
void bench_events();
void bench_timers();
void bench_user();
void bench_traps();
void bench_domains();

/// How often an operation is repeated in one measurement.
inline u64 rounds() { return option_number("rounds", 1000); }

/// One row: `ticks` for `operations`, the guest's own instructions among them.
inline void report(const char *row, u64 operations, u64 ticks) { printk("bench %s %lu %lu\n", row, operations, ticks); }

/// The least time of five that `sequence`, which does `operations`, takes.
template <class Sequence> void measure_sequence(const char *row, u64 operations, const Sequence &sequence) {
    u64 best = ~0ULL;
    for (unsigned attempt = 0; attempt < 5; ++attempt) {
        const u64 start = read_tsc();
        sequence();
        const u64 ticks = read_tsc() - start;
        if (ticks < best) best = ticks;
    }
    report(row, operations, best);
}

/// Repeats `step`, which does `operations`.
template <class Step> void measure(const char *row, const Step &step, u64 operations = 1) {
    const u64 count = rounds();
    measure_sequence(row, operations * count, [&] {
        for (u64 i = 0; i < count; ++i) step();
    });
}

}  // namespace hospes::guest
