// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/clock.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/machine/calibrate.hpp"
#include "hypervisor/machine/exit_hooks.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/machine/serial.hpp"
#include "hypervisor/machine/vectors.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/log.hpp"

namespace hospes {
namespace {

constexpr u64 kNanosecondsPerSecond = 1'000'000'000;
// The serial line is polled: often while somebody types, seldom otherwise.
constexpr Nanoseconds kPollBusy = Nanoseconds::from_ms(2);
constexpr Nanoseconds kPollIdle = Nanoseconds::from_ms(20);
constexpr u32 kLongestTicks = 0x7fff'ffff;

constinit TscScale scale{};
constinit u64 apic_hz = 0;
constinit u64 apic_ticks_per_ns = 0;  // times 2^32
constinit Nanoseconds deadline[kMaxPcpus];   // what the scheduler asked for
constinit Nanoseconds armed_for[kMaxPcpus];  // when the APIC will interrupt
constinit Nanoseconds next_poll{};
constinit bool input_arrived = false;

u64 multiply_shift_32(u64 value, u32 factor) { return static_cast<u64>((static_cast<unsigned __int128>(value) * factor) >> 32); }

// mul and shift such that ns = ((ticks << shift) * mul) >> 32 with 2^31 <= mul < 2^32.
void set_scale(u64 tsc_hz) {
    scale.shift = 0;
    u64 hz = tsc_hz;
    while (hz > 2 * kNanosecondsPerSecond) {
        hz >>= 1;
        --scale.shift;
    }
    while (hz <= kNanosecondsPerSecond) {
        hz <<= 1;
        ++scale.shift;
    }
    scale.mul = static_cast<u32>((kNanosecondsPerSecond << 32) / hz);
    scale.tsc_khz = static_cast<u32>(tsc_hz / 1000);
}

Nanoseconds earlier(Nanoseconds a, Nanoseconds b) { return a < b ? a : b; }

void arm(Pcpu const& pcpu, Nanoseconds when) {
    armed_for[pcpu.id.raw()] = when;
    Nanoseconds const now = system_time();
    u64 const distance = when > now ? (when - now).raw() : 0;
    u64 const ticks = static_cast<u64>(static_cast<unsigned __int128>(distance) * apic_ticks_per_ns >> 32) + 1;  // rather late than early
    start_apic_timer(ticks > kLongestTicks ? kLongestTicks : static_cast<u32>(ticks));
}

void rearm(Pcpu const& pcpu) {
    u32 const id = pcpu.id.raw();
    arm(pcpu, id == 0 ? earlier(deadline[id], next_poll) : deadline[id]);
}

void poll_console(Nanoseconds now) {
    bool const any = poll_serial_input();
    next_poll = now + (any ? kPollBusy : kPollIdle);
    if (any) input_arrived = true;
}

// Whatever became due is found by run_pending_work() on the way out.
void handle_timer(Vector) {
    end_of_interrupt();
    Pcpu& pcpu = this_pcpu();
    pcpu.kicked.store(true, std::memory_order_relaxed);
    Nanoseconds const now = system_time();
    if (pcpu.id.raw() == 0 && now >= next_poll) poll_console(now);
    if (deadline[pcpu.id.raw()] <= now) deadline[pcpu.id.raw()] = Nanoseconds::never();
    rearm(pcpu);
}

}  // namespace

void report_console_input() {
    if (!input_arrived) return;
    input_arrived = false;
    on_console_input();
    if (char const key = take_debug_key(); key != 0) on_debug_key(key);
}

Nanoseconds system_time() {
    u64 ticks = rdtsc() - scale.tsc_timestamp;
    ticks = scale.shift >= 0 ? ticks << scale.shift : ticks >> -scale.shift;
    return scale.system_time + Nanoseconds{multiply_shift_32(ticks, scale.mul)};
}

TscScale tsc_scale() { return scale; }

void program_timer(Nanoseconds when) {
    Pcpu const& pcpu = this_pcpu();
    u32 const id = pcpu.id.raw();
    if (deadline[id] == when) return;
    deadline[id] = when;
    Nanoseconds const wanted = id == 0 ? earlier(when, next_poll) : when;
    if (wanted < armed_for[id]) arm(pcpu, wanted);  // an earlier interrupt finds that nothing is due, and arms for what is
}

void start_clock_of(Pcpu const& pcpu) { arm(pcpu, Nanoseconds::never()); }

void init_clock() {
    ClockRates const rates = measure_clock_rates();
    if (rates.tsc_hz == 0 || rates.apic_timer_hz == 0) HV_PANIC("the time stamp counter or the local APIC's timer does not run");
    set_scale(rates.tsc_hz);
    scale.tsc_timestamp = rdtsc();
    apic_hz = rates.apic_timer_hz;
    apic_ticks_per_ns = (apic_hz << 32) / kNanosecondsPerSecond;
    for (Nanoseconds& each : deadline) each = Nanoseconds::never();
    register_vector(kTimerVector, handle_timer);
    next_poll = kPollIdle;
    arm(this_pcpu(), next_poll);
    HV_INFO("TSC %u kHz, APIC timer %lu kHz (by %s)", scale.tsc_khz, apic_hz / 1000, rates.reference);
}

}  // namespace hospes
