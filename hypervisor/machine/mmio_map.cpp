// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/mmio_map.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/layout.hpp"
#include "hypervisor/x86/pte.hpp"

namespace hospes {
namespace {

constinit u64* level1 = nullptr;  // one table is enough: 512 pages
constinit unsigned used = 0;

u64* add_table(Heap& heap, u64* above, unsigned index) {
    auto const frame = heap.alloc();
    if (!frame.ok()) HV_PANIC("no memory for the core's page tables");
    above[index] = Pte::make(frame.value(), Pte::kPresent | Pte::kWritable).raw();
    return frame_pointer<u64>(frame.value());
}

}  // namespace

void init_mmio_map(Heap& heap) {
    u64* table = frame_pointer<u64>(Pte{read_cr3()}.mfn());
    for (unsigned level = 4; level > 1; --level) table = add_table(heap, table, table_index(kMmioBase, level));
    level1 = table;
}

Result<void volatile*> map_mmio(Mfn mfn) {
    constexpr u64 kFlags = Pte::kPresent | Pte::kWritable | Pte::kAccessed | Pte::kDirty | Pte::kNoExecute | Pte::kCacheDisable | Pte::kWriteThrough;
    unsigned index = 0;
    while (index < used && Pte{level1[index]}.mfn() != mfn) ++index;
    if (index == used) {
        if (used == kEntriesPerTable) return Errno::no_memory;
        level1[used++] = Pte::make(mfn, kFlags).raw();
    }
    return reinterpret_cast<void volatile*>(kMmioBase + (u64{index} << kPageShift));
}

}  // namespace hospes
