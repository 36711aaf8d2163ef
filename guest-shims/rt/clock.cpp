// SPDX-License-Identifier: Apache-2.0
#include "clock.hpp"

#include "machine.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kNsPerSecond = 1000000000;

/// A copy of vcpu_time_info taken while the hypervisor was not writing it.
vcpu_time_info_t read_time_info() {
    const vcpu_time_info_t &live = vcpu_info().time;
    vcpu_time_info_t copy;
    u32 version = 0;
    do {
        version = __atomic_load_n(&live.version, __ATOMIC_ACQUIRE);
        copy = live;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) != 0 || version != __atomic_load_n(&live.version, __ATOMIC_RELAXED));
    return copy;
}

u64 scale(u64 ticks, const vcpu_time_info_t &info) {
    ticks = info.tsc_shift >= 0 ? ticks << info.tsc_shift : ticks >> -info.tsc_shift;
    u64 low = ticks, high = 0;
    asm("mul %2" : "+a"(low), "=d"(high) : "r"(static_cast<u64>(info.tsc_to_system_mul)));
    return (low >> 32) | (high << 32);
}

}  // namespace

u64 read_tsc() {
    u32 low = 0, high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (static_cast<u64>(high) << 32) | low;
}

u64 system_time_ns() {
    const vcpu_time_info_t info = read_time_info();
    return info.system_time + scale(read_tsc() - info.tsc_timestamp, info);
}

u64 tsc_khz() {
    const vcpu_time_info_t info = read_time_info();
    const u64 khz = (1000000ULL << 32) / info.tsc_to_system_mul;
    return info.tsc_shift >= 0 ? khz >> info.tsc_shift : khz << -info.tsc_shift;
}

u64 wall_clock_seconds() {
    const shared_info_t &shared = shared_info();
    u32 version = 0;
    u64 seconds = 0, nanoseconds = 0;
    do {
        version = __atomic_load_n(&shared.wc_version, __ATOMIC_ACQUIRE);
        seconds = shared.wc_sec | (static_cast<u64>(shared.wc_sec_hi) << 32);
        nanoseconds = shared.wc_nsec;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) != 0 || version != __atomic_load_n(&shared.wc_version, __ATOMIC_RELAXED));
    return seconds + (nanoseconds + system_time_ns()) / kNsPerSecond;
}

}  // namespace hospes::guest
