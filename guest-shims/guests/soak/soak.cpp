// SPDX-License-Identifier: Apache-2.0
// A hostile guest: random hypercalls, page-table writes, exceptions and user code from a printed seed. The hypervisor
// may refuse and may not fall; what must never be granted is looked for as it goes.
// Options: seed=N, calls=N; only=NAME one kind of action; neighbour=DOMID whom to exchange grants with.
#include "world.hpp"

#include <new>

namespace hospes::guest {
namespace {

struct Kind {
    const char *name;
    Action action;
};
constexpr Kind kKinds[] = {{"mmu_update", do_mmu_update}, {"va_mapping", do_va_mapping}, {"pin", do_pin},
                           {"mmuext", do_mmuext},         {"table_write", do_table_write}, {"descriptors", do_descriptors},
                           {"memory", do_memory},         {"grants", do_grants},         {"events", do_events},
                           {"small", do_small_calls},     {"pointers", do_bad_pointers}, {"multicall", do_multicall},
                           {"scribble", do_scribble},     {"rings", do_ring_garbage},
                           {"user", do_user_code},        {"instructions", do_instructions}};
constexpr unsigned kKindCount = sizeof kKinds / sizeof kKinds[0];

EventPort timer_port{};

/// User code that does not end by itself is sent to an address where it faults.
bool end_user_loop(TrapFrame &frame, void *) {
    if (frame.vector != kVectorEvent) return false;
    handle_upcall();
    if (frame.from_user()) frame.rip = 0;
    return true;
}

u64 choose_seed() {
    const u64 given = option_number("seed", 0);
    return given != 0 ? given : read_tsc();
}

unsigned soak(World &world, u64 calls, const Kind *only) {
    unsigned breaches = 0;
    u64 shown = 0;
    static const Kind *const multicall = [] {
        const Kind *found = kKinds;
        while (found->action != do_multicall) ++found;
        return found;
    }();
    for (u64 round = 0; world.counts.calls < calls && breaches == 0; ++round) {
        const Kind &usual = world.random.one_in(6) ? *multicall : kKinds[world.random.below(kKindCount)];
        const Kind &kind = only != nullptr ? *only : usual;
        if (option_given("verbose")) printk("soak: %lu %s\n", round, kind.name);
        kind.action(world);
        keep_image_out(world);
        if (round % 64 == 0) breaches += find_breaches(world);
        if (world.counts.calls >= shown + 250000) {
            shown = world.counts.calls;
            printk("soak: %lu calls\n", shown);
        }
    }
    return breaches + find_breaches(world);
}

}  // namespace

void run() {
    const u64 seed = choose_seed(), calls = option_number("calls", 100000);
    char name[32] = "";
    const Kind *only = nullptr;
    if (option_text("only", name, sizeof name)) {
        for (const Kind &kind : kKinds) only = text_equal(kind.name, name) ? &kind : only;
    }
    printk("soak: seed=%lu calls=%lu\n", seed, calls);
    static char place[sizeof(World)] __attribute__((aligned(16)));
    World &world = *new (place) World(seed);  // never destroyed: its pages are in whatever state the calls left them
    world.neighbour = static_cast<u16>(option_number("neighbour", DOMID_SELF));
    if (!world.window.usable() || !world.user.usable()) {
        printk("soak: the tables could not be set up\n");
        return;
    }
    if (bind_virq(VIRQ_TIMER, 0, timer_port) == 0) unmask_port(timer_port);
    set_trap_hook(end_user_loop, nullptr);
    const unsigned breaches = soak(world, calls, only);
    printk("soak: seed=%lu: %lu calls, %lu refused, %lu faults, %u breaches\n", seed, world.counts.calls, world.counts.refused,
           world.counts.faults, breaches);
    printk("GUEST soak: %u ok, %u failed, 0 skipped\n", breaches == 0 ? 1 : 0, breaches);
}

}  // namespace hospes::guest
