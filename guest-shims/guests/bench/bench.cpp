// SPDX-License-Identifier: Apache-2.0
// What single operations cost, in ticks of the TSC. Under QEMU's -icount shift=0 one tick is one instruction, and the
// figures are exact; without it they are times. Options: rounds=N; only=PREFIX.
#include "rt/guest.hpp"
#include "measure.hpp"

namespace hospes::guest {
namespace {

struct Subject {
    const char *name;
    void (*run)(const char *name);
};

constexpr Subject kSubjects[] = {
    {"hypercall", bench_hypercalls}, {"memory", bench_memory}, {"event", bench_events}, {"user", bench_user_mode}, {"trap", bench_traps},
};

}  // namespace

void run() {
    char only[32] = "";
    static_cast<void>(option_text("only", only, sizeof only));
    printk("bench: %lu rounds an operation, tsc %lu kHz\n", rounds(), tsc_khz());
    for (const Subject &subject : kSubjects) {
        if (text_starts_with(subject.name, only)) subject.run(subject.name);
    }
    printk("GUEST bench: 1 ok, 0 failed, 0 skipped\n");
}

}  // namespace hospes::guest
