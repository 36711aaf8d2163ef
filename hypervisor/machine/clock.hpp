// SPDX-License-Identifier: Apache-2.0
// System time from the time stamp counter, and the one-shot timer of the local APIC. Interface to the core: ports/clock.hpp.
#pragma once

namespace hospes {

// Measures TSC and APIC timer, starts system time at 0 and the console's polling.
void init_clock();

// Arms the timer of a started pcpu.
struct Pcpu;
void start_clock_of(Pcpu const& pcpu);

// Passes on what the timer's polling found (on_console_input), from where no lock is held.
void report_console_input();

}  // namespace hospes
