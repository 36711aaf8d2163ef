// SPDX-License-Identifier: Apache-2.0
// What single operations cost, in ticks of the TSC: one line "bench ROW OPERATIONS TICKS" each. Under QEMU's
// -icount shift=0,sleep=off one tick is one instruction, and the figures are exact; without it they are times.
// Options: rounds=N; only=PREFIX of a subject.
#include "rt/guest.hpp"
#include "measure.hpp"

namespace hospes::guest {
namespace {

struct Subject {
    const char *name;
    void (*run)();
};

constexpr Subject kSubjects[] = {
    {"hypercall", bench_hypercalls}, {"memory", bench_memory}, {"grant", bench_grants}, {"event", bench_events},
    {"timer", bench_timers},         {"user", bench_user},     {"trap", bench_traps},   {"domain", bench_domains},
};

}  // namespace

void run() {
    char only[32] = "";
    static_cast<void>(option_text("only", only, sizeof only));
    printk("bench: %lu rounds an operation, tsc %lu kHz\n", rounds(), tsc_khz());
    for (const Subject &subject : kSubjects) {
        if (text_starts_with(subject.name, only)) subject.run();
    }
    printk("GUEST bench: 1 ok, 0 failed, 0 skipped\n");
}

}  // namespace hospes::guest
