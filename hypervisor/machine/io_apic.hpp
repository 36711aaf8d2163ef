// SPDX-License-Identifier: Apache-2.0
// The I/O interrupt controllers (82093AA): one redirection entry a GSI.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

// Masks every pin of every controller ACPI tells of. After read_acpi().
void init_io_apics();

// One more than the highest GSI.
u32 gsi_count();

struct GsiRoute {
    Vector vector;
    ApicId target;
    bool is_level = false;
    bool is_active_low = false;
    bool is_masked = true;
};
void route_gsi(Gsi gsi, GsiRoute const& route);
void mask_gsi(Gsi gsi, bool masked);

// A register of the controller at `base`, for dom0 (PHYSDEVOP_apic_read). Errno::invalid: no such controller.
Result<u32> read_io_apic(MachineAddress base, u32 index);

}  // namespace hospes
