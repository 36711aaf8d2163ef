// SPDX-License-Identifier: Apache-2.0
// Frequencies of the time stamp counter and the local APIC's timer, measured against a clock of known frequency.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

struct ClockRates {
    u64 tsc_hz = 0;
    u64 apic_timer_hz = 0;  // after its divider
    char const* reference = "";
};

ClockRates measure_clock_rates();

}  // namespace hospes
