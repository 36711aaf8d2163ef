// SPDX-License-Identifier: Apache-2.0
// Time as guests read it from memory they share with the core: vcpu_time_info, wall clock, runstate area.
#pragma once

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/ports/clock.hpp"

namespace hospes {

// Writes the TSC parameters where `vcpu` reads them (its vcpu_info, and a registered second area: only while its address space is loaded).
void write_time_info(Vcpu& vcpu);

// UTC at system time 0. Set at boot from the RTC, later by dom0 (XENPF_settime64).
void set_wall_clock(WallClock clock);
WallClock wall_clock();
void write_wall_clock(Domain& domain);
void write_wall_clock_everywhere(System& system);

// What VCPUOP_get_runstate_info tells, and what the registered area gets. `vcpu` is the one whose address space is loaded.
vcpu_runstate_info_t runstate_of(Vcpu const& vcpu, Nanoseconds now);
Status write_runstate_area(Vcpu& vcpu);

}  // namespace hospes
