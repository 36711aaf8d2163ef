// SPDX-License-Identifier: Apache-2.0
// The sub-operations of memory_op, a file a group (memory_reservation, memory_exchange, memory_info).
#pragma once

#include "hypervisor/hypercall/foreign.hpp"

namespace hospes {

inline constexpr unsigned MEMOP_EXTENT_SHIFT = 6;
inline constexpr u64 MEMOP_CMD_MASK = (1u << MEMOP_EXTENT_SHIFT) - 1;

struct MemoryCall {
    GuestAddress arg;
    u64 start_extent;  // where to go on; on Errno::restart: where the handler stopped
};

Outcome memory_increase_reservation(Vcpu& caller, MemoryCall& call);
Outcome memory_decrease_reservation(Vcpu& caller, MemoryCall& call);
Outcome memory_populate_physmap(Vcpu& caller, MemoryCall& call);
Outcome memory_exchange(Vcpu& caller, MemoryCall& call);
Outcome memory_maximum_ram_page(Vcpu& caller, MemoryCall& call);
Outcome memory_current_reservation(Vcpu& caller, MemoryCall& call);
Outcome memory_maximum_reservation(Vcpu& caller, MemoryCall& call);
Outcome memory_memory_map(Vcpu& caller, MemoryCall& call);
Outcome memory_machine_memory_map(Vcpu& caller, MemoryCall& call);
Outcome memory_set_memory_map(Vcpu& caller, MemoryCall& call);
Outcome memory_machphys_mapping(Vcpu& caller, MemoryCall& call);
Outcome memory_acquire_resource(Vcpu& caller, MemoryCall& call);

}  // namespace hospes
