// SPDX-License-Identifier: Apache-2.0
// The ABI's form of a trap-table entry, and ours.
#pragma once

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {

// A handler must lie where a guest's code can be.
inline bool is_valid_handler(u64 address) { return is_guest_range(GuestAddress{address}, 1); }
inline bool is_valid_trap(trap_info_t const& entry) { return entry.address == 0 || is_valid_handler(entry.address); }

// The code segment an entry names is not looked at: handlers run on the flat one.
inline TrapHandler trap_handler_of(trap_info_t const& entry) {
    return {.address = entry.address, .cs = entry.cs, .dpl = static_cast<u8>(TI_GET_DPL(&entry)), .masks_events = TI_GET_IF(&entry) != 0};
}

}  // namespace hospes
