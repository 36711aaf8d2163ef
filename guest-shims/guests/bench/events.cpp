// SPDX-License-Identifier: Apache-2.0
#include "handlers.hpp"
#include "measure.hpp"
#include "partner.hpp"

namespace hospes::guest {

void bench_events() {
    EventPort port{};
    if (bind_ipi(0, port) != 0) return;
    measure("event_send_masked", [port] {
        static_cast<void>(send_event(port));
        clear_pending(port);
    });
    unmask_port(port);
    {
        const LeanHandlers handlers{port};
        events_enable();
        measure("event_send_self", [port] { static_cast<void>(send_event(port)); });
        events_disable();
    }
    mask_port(port);
    static_cast<void>(close_port(port));
}

namespace {

constexpr u64 kSpins = 200000, kDelayNs = 100000;

/// `spins` rounds of two instructions.
void spin(u64 spins) { asm volatile("1: dec %0; jnz 1b" : "+r"(spins)); }

/// The timer fires in the middle of a loop of known length: what the whole takes longer is setting it up and its delivery.
void bench_delivery() {
    const u64 count = rounds() / 50 + 1;
    const u64 khz = tsc_khz(), base_ns = system_time_ns(), base_ticks = read_tsc();
    const auto attempt = [&](bool with_timer) {
        u64 best = ~0ULL;
        for (u64 i = 0; i < count; ++i) {
            const u64 deadline = base_ns + (read_tsc() - base_ticks) * 1000000 / khz + kDelayNs;
            const u64 start = read_tsc();
            if (with_timer) static_cast<void>(hv::set_timer_op(deadline));
            spin(kSpins);
            const u64 ticks = read_tsc() - start;
            if (ticks < best) best = ticks;
        }
        return best;
    };
    const u64 without = attempt(false);
    report("timer_set_and_delivery", 1, attempt(true) - without);
}

}  // namespace

void bench_timers() {
    EventPort port{};
    if (bind_virq(VIRQ_TIMER, 0, port) != 0) return;
    u64 deadline = system_time_ns() + 10'000'000'000;
    measure("timer_set", [&] { static_cast<void>(hv::set_timer_op(deadline -= 1000)); });
    static_cast<void>(hv::set_timer_op(0));
    unmask_port(port);
    {
        const LeanHandlers handlers{port};
        events_enable();
        bench_delivery();
        events_disable();
    }
    mask_port(port);
    static_cast<void>(close_port(port));
}

namespace {

/// Both domains yield to each other; what counts is how often either did.
void bench_switches(const Partner &partner) {
    partner.data().yields_on = 1;
    static_cast<void>(send_event(partner.port()));
    u64 best = ~0ULL, operations = 0;
    for (unsigned attempt = 0; attempt < 5; ++attempt) {
        const u64 before = partner.data().yields, start = read_tsc();
        for (u64 i = 0; i < rounds(); ++i) static_cast<void>(hv::sched_op(SCHEDOP_yield));
        const u64 ticks = read_tsc() - start;
        if (ticks >= best) continue;
        best = ticks;
        operations = rounds() + partner.data().yields - before;
    }
    report("domain_switch", operations, best);
}

}  // namespace

void bench_domains() {
    const Partner partner;
    if (!partner.usable()) return;
    const LeanHandlers handlers{partner.port()};
    unmask_port(partner.port());
    // There: send, block, switch, upcall. Back: the same.
    measure("event_other_and_back", [&] {
        static_cast<void>(send_event(partner.port()));
        static_cast<void>(hv::sched_op(SCHEDOP_block));  // opens the upcalls
        events_disable();
    });
    mask_port(partner.port());
    bench_switches(partner);
}

}  // namespace hospes::guest
