// SPDX-License-Identifier: Apache-2.0
// How domains share a processor, as they see it: what spinning ones of different weight or with a cap get, how soon one that
// has slept runs again beside them, and how long an event takes through a domain and back. Prints lines "sched NAME FIGURE";
// times are ns of the hypervisor's clock. Options: seconds=N (a measurement of shares), wakes=N, pings=N;
// only=shares or only=latency; plug=N: only a vcpu that comes and goes N times (plug.cpp).
#include "player.hpp"
#include "plug.hpp"
#include "steps.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kMostSamples = 1000;
constexpr unsigned kSpinners = 4;
constexpr u16 kUsual = 256;

/// Measured times; the k-th is told by sorting them.
class Samples {
public:
    void add(u64 value) {
        unsigned at = count_++;
        for (; at > 0 && values_[at - 1] > value; --at) values_[at] = values_[at - 1];
        values_[at] = value;
    }
    u64 median() const { return count_ == 0 ? 0 : values_[count_ / 2]; }
    u64 most() const { return count_ == 0 ? 0 : values_[count_ - 1]; }

private:
    u64 values_[kMostSamples];
    unsigned count_ = 0;
};

Samples samples;

u64 count_of(const char *option, u64 fallback) {
    const u64 wanted = option_number(option, fallback);
    return wanted < kMostSamples ? wanted : kMostSamples;
}

/// Lets both spin for a while; tells what each got.
void share(const Player &one, const Player &other, const char *first, const char *second) {
    require(one.unpause(), "unpause");
    require(other.unpause(), "unpause");
    static_cast<void>(sleep_until(system_time_ns() + 200 * kNsPerMs));  // until they have settled
    const u64 before[] = {one.cpu_time(), other.cpu_time()};
    const u64 start = system_time_ns();
    static_cast<void>(sleep_until(start + option_number("seconds", 5) * 1000 * kNsPerMs));
    const u64 after[] = {one.cpu_time(), other.cpu_time()};
    require(one.pause(), "pause");
    require(other.pause(), "pause");
    figure(first, after[0] - before[0]);
    figure(second, after[1] - before[1]);
}

/// What `one` gets of the processor when nobody else wants it, in thousandths.
void share_alone(const Player &one, const char *name) {
    require(one.unpause(), "unpause");
    static_cast<void>(sleep_until(system_time_ns() + 200 * kNsPerMs));
    const u64 before = one.cpu_time(), start = system_time_ns();
    const u64 end = sleep_until(start + option_number("seconds", 5) * 1000 * kNsPerMs);
    figure(name, (one.cpu_time() - before) * 1000 / (end - start));
    require(one.pause(), "pause");
}

/// How late the timer of a vcpu that sleeps for 1 to 17 ms wakes it.
void wake_up(const char *median, const char *most) {
    samples = {};
    for (u64 i = count_of("wakes", 400), pause = 0; i > 0; --i) {
        pause = (pause + 7) % 17;
        const u64 deadline = system_time_ns() + (1 + pause) * kNsPerMs + pause * 61'000;
        samples.add(sleep_until(deadline) - deadline);
    }
    figure(median, samples.median());
    figure(most, samples.most());
}

bool has_answered = false;

/// An event to the domain at the other end of `port`, which sends one back: how long that takes.
void ping(EventPort port, const char *median, const char *most) {
    samples = {};
    for (u64 i = count_of("pings", 400); i > 0; --i) {
        static_cast<void>(sleep_until(system_time_ns() + 3 * kNsPerMs));
        const u64 start = system_time_ns();
        has_answered = false;
        require(send_event(port), "send");
        while (!has_answered) static_cast<void>(wait_for_event());
        samples.add(system_time_ns() - start);
    }
    figure(median, samples.median());
    figure(most, samples.most());
}

void measure_shares(const Player &one, const Player &other) {
    require(other.set_share(2 * kUsual, 0), "weight");
    share(one, other, "weight_256", "weight_512");
    require(other.set_share(kUsual, 0), "weight");
    share(one, other, "weight_equal", "weight_equal_too");
    require(one.set_share(kUsual, 50), "cap");
    share_alone(one, "cap_50_alone");
    require(other.set_share(kUsual / 4, 0), "weight");  // else its share would leave no more than the cap
    share(one, other, "cap_50", "cap_50_other");
    require(one.set_share(kUsual, 0), "cap");
    require(other.set_share(kUsual, 0), "weight");
}

void measure_latency(const Player (&spinners)[kSpinners]) {
    Player echo;
    EventPort local{}, remote{};
    require(echo.usable() ? 0 : kENOMEM, "the domain that answers");
    require(connect(echo, local, remote), "connect");
    require(echo.load(player_echo, remote), "load");
    require(echo.unpause(), "unpause");
    set_event_handler(local, [](EventPort, void *) { has_answered = true; }, nullptr);
    unmask_port(local);
    wake_up("wake_idle_median", "wake_idle_most");
    ping(local, "ping_idle_median", "ping_idle_most");
    for (const Player &spinner : spinners) require(spinner.unpause(), "unpause");
    wake_up("wake_busy_median", "wake_busy_most");
    ping(local, "ping_busy_median", "ping_busy_most");
    for (const Player &spinner : spinners) require(spinner.pause(), "pause");
    static_cast<void>(close_port(local));
}

}  // namespace

void run() {
    EventPort timer{};
    require(bind_virq(VIRQ_TIMER, 0, timer), "timer");
    set_event_handler(timer, [](EventPort, void *) {}, nullptr);
    unmask_port(timer);
    Player spinners[kSpinners];
    for (Player &spinner : spinners) {
        require(spinner.usable() ? 0 : kENOMEM, "a domain");
        require(spinner.load(player_spin), "load");
    }
    if (const u64 rounds = option_number("plug", 0); rounds != 0) {
        for (const Player &spinner : spinners) require(spinner.unpause(), "unpause");
        plug_and_unplug(rounds);
    } else {
        if (!option_given("only=latency")) measure_shares(spinners[0], spinners[1]);
        if (!option_given("only=shares")) measure_latency(spinners);
    }
    printk("GUEST sched: 1 ok, 0 failed, 0 skipped\n");
}

}  // namespace hospes::guest
