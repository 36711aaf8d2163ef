// SPDX-License-Identifier: Apache-2.0
// Prints a line a second by the hypervisor's clock and timer. Beside a guest that misbehaves it shows whether anybody
// else noticed. Options: ticks=N ends after N; period=MS other than 1000. A domain with a store obeys
// control/shutdown (poweroff, halt, reboot).
#include "rt/guest.hpp"
#include "xenbus/store.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kNsPerMs = 1000000;

unsigned timer_fired = 0;

bool start_timer() {
    EventPort port{};
    if (bind_virq(VIRQ_TIMER, 0, port) != 0) return false;
    set_event_handler(port, [](EventPort, void *) { ++timer_fired; }, nullptr);
    unmask_port(port);
    return true;
}

void sleep_until(u64 deadline) {
    while (system_time_ns() < deadline) {
        static_cast<void>(hv::set_timer_op(deadline));
        static_cast<void>(wait_for_event());
    }
}

/// The reason asked for through the store; -1 when there is none.
int asked_to_end(Store &store) {
    char text[16];
    if (!store.available() || store.read("control/shutdown", text, sizeof text) != 0 || text[0] == '\0') return -1;
    static_cast<void>(store.write("control/shutdown", ""));
    printk("heartbeat asked to %s\n", text);
    return text_equal(text, "reboot") ? SHUTDOWN_reboot : SHUTDOWN_poweroff;
}

}  // namespace

void run() {
    const u64 ticks = option_number("ticks", 0), period = option_number("period", 1000) * kNsPerMs;
    if (!start_timer()) {
        printk("heartbeat: no timer\n");
        shutdown(SHUTDOWN_crash);
    }
    Store store;
    store.set_patience(2);
    if (store.available()) {
        static_cast<void>(store.write("control/feature-poweroff", "1"));
        static_cast<void>(store.write("control/feature-reboot", "1"));
    }
    const u64 start = system_time_ns();
    for (u64 tick = 1; ticks == 0 || tick <= ticks; ++tick) {
        const u64 due = start + tick * period;
        sleep_until(due);
        printk("heartbeat %lu, %lu ms late\n", tick, (system_time_ns() - due) / kNsPerMs);
        const int reason = asked_to_end(store);
        if (reason >= 0) shutdown(static_cast<unsigned>(reason));
    }
    printk("GUEST heartbeat: 1 ok, 0 failed, 0 skipped\n");
}

}  // namespace hospes::guest
