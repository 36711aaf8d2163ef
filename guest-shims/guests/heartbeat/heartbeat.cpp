// SPDX-License-Identifier: Apache-2.0
// Prints a line a second by the hypervisor's clock and timer. Beside a guest that misbehaves it shows whether anybody
// else noticed. Options: ticks=N ends after N; period=MS other than 1000. A domain with a store obeys
// control/shutdown (poweroff, halt, reboot). With partner=DOMID it grants pages to that domain, maps what it is granted,
// and looks whether anything else of its memory has changed.
#include "rt/guest.hpp"
#include "xenbus/store.hpp"

#include <new>

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

/// Grants in both directions with a domain that may do anything with them.
class Exchange {
public:
    explicit Exchange(u16 partner) : partner_(partner) {
        for (u64 i = 0; i < kEntries; ++i) own_[static_cast<unsigned>(i)] = i * kPattern;
        EventPort port{};
        usable_ = grants_init() == 0 && window_.usable() && alloc_unbound(DOMID_SELF, partner, port) == 0;
    }
    bool usable() const { return usable_; }

    /// Grants one page anew, lets go of what is mapped, maps another. False: memory that nobody was given has changed.
    bool tick(u64 number) {
        const unsigned which = static_cast<unsigned>(number % kShared);
        const GrantRef ref{16 + which};
        if (end_access(ref)) grant_access(ref, partner_, shared_[which].mfn(), number % 3 == 0);
        if (mapped_) mapped_ = unmap_grant(handle_, window_.va(1)) != GNTST_okay;
        if (!mapped_) {
            mapped_ = map_grant(partner_, ref, window_.va(1), GNTMAP_host_map, handle_) == GNTST_okay;
            if (mapped_) *reinterpret_cast<volatile u64 *>(window_.va(1)) = number;
        }
        for (u64 i = 0; i < kEntries; ++i) {
            if (__atomic_load_n(&own_[static_cast<unsigned>(i)], __ATOMIC_RELAXED) != i * kPattern) return false;
        }
        return true;
    }

private:
    static constexpr unsigned kShared = 8;
    static constexpr u64 kPattern = 0x9e3779b97f4a7c15;

    u16 partner_;
    bool usable_ = false;
    bool mapped_ = false;
    u32 handle_ = 0;
    Window window_;
    Page shared_[kShared];
    Page own_;
};

/// null without a partner. Never destroyed: the other side may hold its pages to the end.
Exchange *start_exchange() {
    const u64 partner = option_number("partner", 0);
    if (partner == 0) return nullptr;
    static char place[sizeof(Exchange)] __attribute__((aligned(16)));
    Exchange *const exchange = new (place) Exchange(static_cast<u16>(partner));
    if (!exchange->usable()) printk("heartbeat: nothing to exchange grants with\n");
    return exchange->usable() ? exchange : nullptr;
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
    Exchange *const exchange = start_exchange();
    const u64 start = system_time_ns();
    u64 latest = 0;
    for (u64 tick = 1; ticks == 0 || tick <= ticks; ++tick) {
        const u64 due = start + tick * period;
        sleep_until(due);
        const u64 late = (system_time_ns() - due) / kNsPerMs;
        latest = late > latest ? late : latest;
        printk("heartbeat %lu, %lu ms late, %lu at most\n", tick, late, latest);
        if (exchange != nullptr && !exchange->tick(tick)) printk("heartbeat: BREACH: memory of its own has changed\n");
        const int reason = asked_to_end(store);
        if (reason >= 0) shutdown(static_cast<unsigned>(reason));
    }
    printk("GUEST heartbeat: 1 ok, 0 failed, 0 skipped\n");
}

}  // namespace hospes::guest
