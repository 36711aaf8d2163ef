// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/ports/clock.hpp"

namespace hospes {

// The battery-backed clock (MC146818, ports 0x70 and 0x71) gives UTC; the result is UTC at system time 0.
WallClock read_real_time_clock();

}  // namespace hospes
