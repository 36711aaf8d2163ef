// SPDX-License-Identifier: Apache-2.0
// The references: HPET where there is one, else channel 2 of the 8254. Reading TSC and reference is not one step, and an emulator's thread
// may be put aside between the two; so each point is the tightest of many tries.
#include "hypervisor/machine/calibrate.hpp"

#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/ports/frame_window.hpp"

namespace hospes {
namespace {

constexpr unsigned kTries = 24;
constexpr u32 kApicStart = ~u32{0};

class Reference {
public:
    virtual u64 read() const = 0;  // counts up, does not wrap within the measurement
    virtual u64 hz() const = 0;
    virtual char const* name() const = 0;

protected:
    ~Reference() = default;
};

class Hpet final : public Reference {
public:
    bool start() {
        u64 const capabilities = at(0x000);
        u64 const period = capabilities >> 32;  // femtoseconds
        constexpr u64 kLongestPeriod = 100'000'000;
        if (period == 0 || period > kLongestPeriod || (capabilities & 0xff) == 0) return false;
        hz_ = u64{1'000'000'000'000'000} / period;
        at(0x010) = at(0x010) | 1;
        return true;
    }
    u64 read() const override { return at(0x0f0) & 0xffff'ffff; }
    u64 hz() const override { return hz_; }
    char const* name() const override { return "HPET"; }

private:
    static constexpr u64 kBase = 0xfed0'0000;
    static u64 volatile& at(u64 offset) { return *machine_pointer<u64 volatile>(MachineAddress{kBase + offset}); }
    u64 hz_ = 0;
};

class Pit final : public Reference {
public:
    void start() {
        outb(0x61, static_cast<u8>((inb(0x61) & ~2u) | 1u));  // gate on, speaker off
        outb(0x43, 0xb4);                                     // channel 2, both bytes, rate generator
        outb(0x42, 0xff);
        outb(0x42, 0xff);
    }
    u64 read() const override {
        outb(0x43, 0x80);  // latch channel 2
        u32 const low = inb(0x42);
        u32 const high = inb(0x42);
        return 0xffff - (high << 8 | low);
    }
    u64 hz() const override { return 1'193'182; }
    char const* name() const override { return "PIT"; }
};

struct Point {
    u64 tsc;
    u64 reference;
    u32 apic;
};

Point take_point(Reference const& reference) {
    Point best{};
    u64 tightest = ~u64{0};
    for (unsigned i = 0; i < kTries; ++i) {
        u64 const before = rdtsc();
        u64 const count = reference.read();
        u32 const apic = apic_timer_left();
        u64 const after = rdtsc();
        if (after - before >= tightest) continue;
        tightest = after - before;
        best = {before + tightest / 2, count, apic};
    }
    return best;
}

ClockRates measure(Reference const& reference) {
    constexpr u64 kMilliseconds = 25;  // less than the PIT's 55
    start_apic_timer(kApicStart);
    Point const first = take_point(reference);
    u64 const ticks = reference.hz() * kMilliseconds / 1000;
    while (reference.read() - first.reference < ticks) __builtin_ia32_pause();
    Point const last = take_point(reference);
    start_apic_timer(0);
    u64 const elapsed = last.reference - first.reference;
    ClockRates rates;
    rates.tsc_hz = (last.tsc - first.tsc) * reference.hz() / elapsed;
    rates.apic_timer_hz = (u64{first.apic} - last.apic) * reference.hz() / elapsed;
    rates.reference = reference.name();
    return rates;
}

}  // namespace

ClockRates measure_clock_rates() {
    Hpet hpet;
    if (hpet.start()) return measure(hpet);
    Pit pit;
    pit.start();
    return measure(pit);
}

}  // namespace hospes
