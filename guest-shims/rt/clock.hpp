// SPDX-License-Identifier: Apache-2.0
// Time as the hypervisor tells it: vcpu_time_info and the wall clock of shared_info.
#pragma once
#include "types.hpp"

namespace hospes::guest {

u64 read_tsc();
/// Nanoseconds since the hypervisor started, by vcpu 0's vcpu_time_info.
u64 system_time_ns();
/// Ticks of the TSC a second, in kHz, as vcpu_time_info implies.
u64 tsc_khz();
/// Seconds since 1970 by shared_info's wall clock and system time.
u64 wall_clock_seconds();

}  // namespace hospes::guest
