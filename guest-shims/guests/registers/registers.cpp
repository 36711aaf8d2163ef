// SPDX-License-Identifier: Apache-2.0
// Fills the registers that a context switch has to keep (x87, SSE, debug registers, segment bases), gives the processor away, and looks
// whether they still hold what it put there. Two of these beside each other find what leaks from one domain to another.
// Options: pattern=N what to fill them with; rounds=N how often.
#include "rt/guest.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kNsPerMs = 1000000;

struct alignas(16) Image {
    u8 bytes[512];

    u32 word(unsigned offset) const {
        u32 value;
        memcpy(&value, bytes + offset, sizeof value);
        return value;
    }
};

constexpr unsigned kControlOffset = 0, kMxcsrOffset = 24, kFirstRegister = 32, kEndOfRegisters = 32 + 8 * 16 + 16 * 16;

void store(Image &image) { asm volatile("fxsave64 %0" : "=m"(image)); }
void load(const Image &image) { asm volatile("fxrstor64 %0" : : "m"(image)); }

/// x87 registers have 10 bytes in each slot of 16.
bool counts(unsigned offset) { return offset >= kFirstRegister + 8 * 16 || offset % 16 < 10; }

Image filled(const Image &from, u64 pattern) {
    Image image = from;
    for (unsigned i = kFirstRegister; i < kEndOfRegisters; ++i) {
        pattern = pattern * 6364136223846793005 + 1442695040888963407;
        image.bytes[i] = static_cast<u8>(pattern >> 56);
    }
    return image;
}

bool same(const Image &a, const Image &b) {
    for (unsigned i = kFirstRegister; i < kEndOfRegisters; ++i) {
        if (counts(i) && a.bytes[i] != b.bytes[i]) return false;
    }
    return true;
}

bool is_initial(const Image &image) {
    Image zero{};
    return same(image, zero) && (image.word(kControlOffset) & 0xffff) == 0x37f && image.word(kMxcsrOffset) == 0x1f80;
}

u64 debug_address(u64 pattern, unsigned which) { return (pattern << 16 | which) & 0x7ffffffffff8; }

bool set_others(u64 pattern) {
    bool done = true;
    for (unsigned i = 0; i < 4; ++i) done = hypercall(__HYPERVISOR_set_debugreg, i, debug_address(pattern, i)) == 0 && done;
    done = hv::set_segment_base(SEGBASE_FS, pattern << 12) == 0 && done;
    return hv::set_segment_base(SEGBASE_GS_USER, pattern << 20) == 0 && done;
}

u64 read_base(u32 msr) {
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return u64{high} << 32 | low;
}

bool others_are(u64 pattern) {
    for (unsigned i = 0; i < 4; ++i) {
        if (static_cast<u64>(hypercall(__HYPERVISOR_get_debugreg, i)) != debug_address(pattern, i)) return false;
    }
    return read_base(0xc0000100) == pattern << 12 && read_base(0xc0000102) == pattern << 20;
}

bool others_are_zero() {
    for (unsigned i = 0; i < 4; ++i) {
        if (hypercall(__HYPERVISOR_get_debugreg, i) != 0) return false;
    }
    return true;
}

/// Half of the time by blocking, half by using the processor until somebody else gets it.
void let_others_run(u64 round) {
    const u64 end = system_time_ns() + kNsPerMs * 3;
    if (round % 2 == 0) {
        static_cast<void>(hv::set_timer_op(end));
        static_cast<void>(wait_for_event());
    }
    while (system_time_ns() < end) static_cast<void>(hv::sched_op(SCHEDOP_yield));
}

}  // namespace

void run() {
    const u64 pattern = option_number("pattern", 1), rounds = option_number("rounds", 300);
    EventPort port{};
    if (bind_virq(VIRQ_TIMER, 0, port) == 0) unmask_port(port);
    static Image first, seen;
    store(first);
    unsigned failed = is_initial(first) && others_are_zero() ? 0 : 1;
    if (failed != 0) printk("registers: they were not empty at the start\n");
    for (u64 round = 0; round < rounds && failed == 0; ++round) {
        const u64 now = pattern * 1000 + round;
        const Image wanted = filled(first, now);
        if (!set_others(now)) printk("registers: they cannot be set\n");
        load(wanted);
        let_others_run(round);
        store(seen);
        if (same(seen, wanted) && others_are(now)) continue;
        printk("registers: round %lu: they have changed\n", round);
        failed = 1;
    }
    printk("GUEST registers: %u ok, %u failed, 0 skipped\n", 1 - failed, failed);
}

}  // namespace hospes::guest
