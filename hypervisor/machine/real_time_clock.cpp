// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/real_time_clock.hpp"

#include "hypervisor/ports/guest_cpu.hpp"

#include <array>

namespace hospes {
namespace {

constexpr u16 kIndexPort = 0x70;
constexpr u16 kDataPort = 0x71;
constexpr u8 kStatusA = 0x0a;
constexpr u8 kStatusB = 0x0b;
constexpr u8 kUpdating = 0x80;
constexpr u8 kBinary = 0x04;
constexpr u8 kMode24Hours = 0x02;

u8 read_register(u8 index) {
    port_out(kIndexPort, 1, index);
    return static_cast<u8>(port_in(kDataPort, 1));
}

// second, minute, hour, day, month, year
using Registers = std::array<u8, 6>;

Registers read_registers() {
    constexpr u8 kIndexes[] = {0, 2, 4, 7, 8, 9};
    while ((read_register(kStatusA) & kUpdating) != 0) {
    }
    Registers values{};
    for (unsigned i = 0; i < values.size(); ++i) values[i] = read_register(kIndexes[i]);
    return values;
}

u32 decode(u8 value, bool is_binary) { return is_binary ? value : (value >> 4) * 10u + (value & 0xfu); }

// Days since 1970-01-01 in the Gregorian calendar.
u64 days_since_epoch(u32 year, u32 month, u32 day) {
    u32 const y = month <= 2 ? year - 1 : year;  // the year starts in March, so that the leap day is its last
    u32 const m = (month + 9) % 12;
    u64 const days = u64{365} * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + (day - 1);
    constexpr u64 kEpoch = 719468;
    return days - kEpoch;
}

}  // namespace

WallClock read_real_time_clock() {
    Registers values = read_registers();
    for (Registers again = read_registers(); again != values; again = read_registers()) values = again;  // not in the middle of a tick
    u8 const status = read_register(kStatusB);
    bool const is_binary = (status & kBinary) != 0;
    u32 hour = decode(values[2] & 0x7f, is_binary);
    bool const is_afternoon = (values[2] & 0x80) != 0;
    if ((status & kMode24Hours) == 0) hour = hour % 12 + (is_afternoon ? 12 : 0);
    u32 const year = 2000 + decode(values[5], is_binary);
    u64 const days = days_since_epoch(year, decode(values[4], is_binary), decode(values[3], is_binary));
    u64 const seconds = days * 86400 + hour * 3600 + decode(values[1], is_binary) * 60 + decode(values[0], is_binary);
    return {seconds - system_time().raw() / 1'000'000'000, 0};
}

}  // namespace hospes
