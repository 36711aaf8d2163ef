// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/boot/boot_tables.hpp"

#include "hypervisor/boot/boot_memory.hpp"
#include "hypervisor/core/mm/hypervisor_slots.hpp"
#include "hypervisor/machine/cpu_init.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/ports/frame_window.hpp"

namespace hospes {

u64* core_root() { return frame_pointer<u64>(Pte{read_cr3()}.mfn()); }

u64* core_entry_at(u64 address, unsigned level) {
    u64* table = core_root();
    for (unsigned above = 4; above > level; --above) {
        Pte const entry{table[table_index(address, above)]};
        if (!entry.is_present()) return nullptr;
        table = frame_pointer<u64>(entry.mfn());
    }
    return &table[table_index(address, level)];
}

bool is_mapped(u64 address) {
    u64 const* const entry = core_entry_at(address, 1);
    return entry != nullptr && (*entry & Pte::kPresent) != 0;
}

// Tables above carry the user bit; these entries decide. Guests may only ever see the machine-to-physical table.
u64 core_mapping_flags(CoreMapping kind) {
    u64 const flags = Pte::kPresent | Pte::kAccessed | Pte::kDirty | Pte::kNoExecute;
    return kind == CoreMapping::guest_read_only ? flags | Pte::kUser : flags | Pte::kWritable;
}

void init_hypervisor_slots() {
    u64* const root = core_root();
    root[0] = 0;
    for (unsigned i = 0; i < kHypervisorSlots; ++i) hypervisor_slots[i] = root[kFirstHypervisorSlot + i];
    adopt_core_root(Pte{read_cr3()}.mfn());
}

}  // namespace hospes
