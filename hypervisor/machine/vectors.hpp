// SPDX-License-Identifier: Apache-2.0
// Who handles which interrupt vector. Vectors 0x20 to 0x7f and 0x81 to 0xef are free for devices.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

inline constexpr Vector kFirstDeviceVector{0x20};
inline constexpr Vector kLastDeviceVector{0xef};
inline constexpr Vector kTimerVector{0xf0};
inline constexpr Vector kKickVector{0xf1};
inline constexpr Vector kErrorVector{0xfe};
inline constexpr Vector kSpuriousVector{0xff};

// Called with interrupts off. A handler of a device or local APIC interrupt acknowledges it itself (end_of_interrupt()).
using InterruptHandler = void (*)(Vector);

// `vector` is 0x20 or above and not 0x80.
void register_vector(Vector vector, InterruptHandler handler);

// Runs the handler; an interrupt nobody handles is acknowledged and logged.
void dispatch_interrupt(Vector vector);

}  // namespace hospes
