// SPDX-License-Identifier: Apache-2.0
// The core's own page tables: what boot adds to those the loader made.
#pragma once

#include "hypervisor/x86/pte.hpp"

namespace hospes {

enum class CoreMapping : u8 { writable_data, guest_read_only };

// Does the core's address map to something?
bool is_mapped(u64 address);

// The level-4 table the core runs on.
u64* core_root();

// The entry of `address` in a table of `level`, or null when a table above is missing.
u64* core_entry_at(u64 address, unsigned level);

u64 core_mapping_flags(CoreMapping kind);

// Maps one page. `take_frame()` gives zeroed frames for missing tables.
template <typename TakeFrame>
void map_core_page(u64 address, Mfn frame, CoreMapping kind, TakeFrame take_frame) {
    for (unsigned level = 4; level > 1; --level) {
        u64* const entry = core_entry_at(address, level);
        if ((*entry & Pte::kPresent) == 0) *entry = Pte::make(take_frame(), Pte::kPresent | Pte::kWritable | Pte::kUser).raw();
    }
    *core_entry_at(address, 1) = Pte::make(frame, core_mapping_flags(kind)).raw();
}

}  // namespace hospes
