// SPDX-License-Identifier: Apache-2.0
// set_trap_table (0): handlers of exceptions and of INT n, one 16-byte entry each, up to an entry with address 0. Entries are merged
// into the caller's table; a null pointer clears it.
#include "hypervisor/core/pv/trap_table.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {

Outcome hypercall_set_trap_table(Vcpu& caller, HypercallArgs& args) {
    GuestHandle<trap_info_t> const table{args[0]};
    if (table.is_null()) {
        caller.pv.traps = {};
        return 0;
    }
    std::array<trap_info_t, kMaxTrapVectors> entries;
    unsigned count = 0;
    for (;;) {
        trap_info_t const entry = HV_TRY(table.read(count));
        if (entry.address == 0) break;
        if (count == entries.size() || !is_valid_trap(entry)) return Errno::invalid;
        entries[count++] = entry;
    }
    for (unsigned i = 0; i < count; ++i) caller.pv.traps[entries[i].vector] = trap_handler_of(entries[i]);
    return 0;
}

}  // namespace hospes
