// SPDX-License-Identifier: Apache-2.0
// System time, and the parameters by which a guest computes it from the TSC (vcpu_time_info).
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

Nanoseconds system_time();

// ns = system_time + (((tsc - tsc_timestamp) << shift) * mul >> 32)
struct TscScale {
    u64 tsc_timestamp;
    Nanoseconds system_time;
    u32 mul;
    i8 shift;
    u32 tsc_khz;
};
TscScale tsc_scale();

// UTC at system time 0 (read from the RTC at boot; dom0 may correct it by settime64).
struct WallClock {
    u64 seconds;
    u32 nanoseconds;
};

// Arms this pcpu's one-shot timer for `deadline` (Nanoseconds::never() disarms). A deadline in the past fires at once.
void program_timer(Nanoseconds deadline);

}  // namespace hospes
