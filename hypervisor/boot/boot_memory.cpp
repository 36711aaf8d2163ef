// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/boot/boot_memory.hpp"

#include "hypervisor/boot/boot_tables.hpp"
#include "hypervisor/core/domain/memory_map.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/layout.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace hospes {
namespace {

constexpr u64 kLowMegabyte = (u64{1} << 20) >> kPageShift;  // left alone: firmware data, and where other pcpus start
constexpr u64 kM2pWritableBase = kFrameTableBase + (u64{256} << 30);  // the core's own view of the machine-to-physical table

struct FrameRange {
    u64 first;
    u64 end;
};

template <typename T>
std::span<T const> handoff_array(u64 address, u64 count) {
    return {machine_pointer<T const>(MachineAddress{address}), count};
}

std::span<MemoryRange const> memory_map(Handoff const& handoff) {
    return handoff_array<MemoryRange>(handoff.memory_map, handoff.memory_map_entries);
}

std::span<LoaderRange const> loader_ranges(Handoff const& handoff) {
    return handoff_array<LoaderRange>(handoff.loader_ranges, handoff.loader_range_entries);
}

bool is_usable(EfiMemoryType type) {
    switch (type) {
        case EfiMemoryType::loader_code:
        case EfiMemoryType::loader_data:
        case EfiMemoryType::boot_services_code:
        case EfiMemoryType::boot_services_data:
        case EfiMemoryType::conventional:
            return true;
        default:
            return false;
    }
}

// Calls `visit(FrameRange)` for each usable range above the first megabyte, loader ranges included.
template <typename Visit>
void for_each_ram_range(Handoff const& handoff, Visit visit) {
    for (MemoryRange const& range : memory_map(handoff)) {
        if (!is_usable(range.efi_type)) continue;
        FrameRange frames{range.start >> kPageShift, (range.start >> kPageShift) + range.pages};
        frames.first = std::max(frames.first, kLowMegabyte);
        if (frames.first < frames.end) visit(frames);
    }
}

// The same without what the loader uses.
template <typename Visit>
void for_each_free_range(Handoff const& handoff, Visit visit) {
    for_each_ram_range(handoff, [&](FrameRange ram) {
        for (LoaderRange const& used : loader_ranges(handoff)) {
            u64 const first = used.start >> kPageShift;
            u64 const end = first + used.pages;
            if (end <= ram.first || first >= ram.end) continue;
            if (first > ram.first) visit(FrameRange{ram.first, first});
            ram.first = std::min(end, ram.end);
        }
        if (ram.first < ram.end) visit(ram);
    });
}

// Memory for the core's own tables: the end of the highest free range with room, taken from there downwards.
class TableMemory {
public:
    TableMemory(Handoff const& handoff, u64 pages) {
        for_each_free_range(handoff, [&](FrameRange range) {
            if (range.end - range.first >= pages) range_ = range;
        });
        if (range_.end == 0) HV_PANIC("no contiguous memory for the frame table");
        next_ = range_.end;
    }

    // A zeroed frame.
    Mfn take(u64 count = 1) {
        HV_ASSERT(next_ - range_.first >= count);
        next_ -= count;
        std::memset(frame_pointer(Mfn{next_}), 0, count << kPageShift);
        return Mfn{next_};
    }

    FrameRange taken() const { return {next_, range_.end}; }

private:
    FrameRange range_{0, 0};
    u64 next_ = 0;
};

// Backs the part of a table (entries of `entry_size` for `frames`) that is not mapped yet. A second address sees the same frames
// read-only for guests if `guest_base` is not zero.
void back_table(TableMemory& memory, u64 base, u64 guest_base, usize entry_size, FrameRange frames) {
    u64 const first = (frames.first * entry_size) & kPageMask;
    u64 const end = frames.end * entry_size;
    for (u64 offset = first; offset < end; offset += kPageSize) {
        auto const take_frame = [&] { return memory.take(); };
        if (is_mapped(base + offset)) continue;
        Mfn const frame = memory.take();
        map_core_page(base + offset, frame, CoreMapping::writable_data, take_frame);
        if (guest_base != 0) map_core_page(guest_base + offset, frame, CoreMapping::guest_read_only, take_frame);
    }
}

void mark_populated(u8* populated, FrameRange frames) {
    for (u64 block = frames.first / FrameTable::kFramesPerBlock; block * FrameTable::kFramesPerBlock < frames.end; ++block) {
        populated[block / 8] = static_cast<u8>(populated[block / 8] | 1u << (block % 8));
    }
}

E820Type e820_type(EfiMemoryType type) {
    if (is_usable(type)) return E820Type::ram;
    if (type == EfiMemoryType::acpi_reclaim) return E820Type::acpi;
    if (type == EfiMemoryType::acpi_nvs) return E820Type::nvs;
    return type == EfiMemoryType::unusable ? E820Type::unusable : E820Type::reserved;
}

void add_e820(u64 address, u64 size, E820Type type) {
    MachineMemoryMap& map = machine_memory_map;
    if (map.count > 0) {
        E820Entry& last = map.entries[map.count - 1];
        if (last.type == type && last.address + last.size == address) {
            last.size += size;
            return;
        }
    }
    if (map.count == kMaxE820Entries) HV_PANIC("the firmware's memory map has too many ranges");
    map.entries[map.count++] = {address, size, type};
}

void build_e820(Handoff const& handoff) {
    for (MemoryRange const& range : memory_map(handoff)) {
        if (range.efi_type == EfiMemoryType::mapped_io || range.efi_type == EfiMemoryType::mapped_io_port_space) continue;
        add_e820(range.start, range.pages << kPageShift, e820_type(range.efi_type));
    }
}

u64 count_frames(Handoff const& handoff) {
    u64 count = 0;
    for_each_ram_range(handoff, [&](FrameRange range) { count += range.end - range.first; });
    return count;
}

// At first all RAM is the core's: what the heap does not get - image, page tables, these tables - can never be mapped by anyone.
void claim(FrameTable& table, FrameRange frames) {
    u64 const word = RefWord::Count::set(RefWord::Owner::set(RefWord::Ram::kMask, kDomIdXen.raw()), 1);
    for (u64 i = frames.first; i < frames.end; ++i) {
        table[Mfn{i}].refs.store(word, std::memory_order_relaxed);
        clear_m2p(Mfn{i});
    }
}

// Gives the heap what dom0 has not taken over.
void free_unowned(System& system, FrameRange range) {
    auto const is_owned = [&](u64 frame) { return system.frames.owner(Mfn{frame}) != kDomIdXen; };
    for (u64 first = range.first, end = first; first < range.end; first = end) {
        bool const owned = is_owned(first);
        while (end < range.end && is_owned(end) == owned) ++end;
        if (owned) {
            system.heap.count_owned(end - first);
        } else {
            system.heap.add_range(Mfn{first}, end - first);
        }
    }
}

}  // namespace

void init_memory(System& system, Handoff const& handoff) {
    u64 limit = 0;
    for_each_ram_range(handoff, [&](FrameRange range) { limit = std::max(limit, range.end); });
    u64 const populated_bytes = limit / FrameTable::kFramesPerBlock / 8 + 1;
    u64 const populated_pages = (populated_bytes + kPageSize - 1) >> kPageShift;
    u64 const table_bytes = count_frames(handoff) * (sizeof(FrameEntry) + sizeof(u64));
    // Half as much again and some: partly used pages at the edges of ranges, and the page tables themselves.
    TableMemory memory{handoff, (table_bytes >> kPageShift) * 3 / 2 + populated_pages + 256};

    u8* const populated = frame_pointer<u8>(memory.take(populated_pages));
    for_each_ram_range(handoff, [&](FrameRange range) {
        back_table(memory, kFrameTableBase, 0, sizeof(FrameEntry), range);
        back_table(memory, kM2pWritableBase, kM2pBase, sizeof(u64), range);
        mark_populated(populated, range);
    });
    m2p_base = kM2pWritableBase;
    system.frames.init(reinterpret_cast<FrameEntry*>(kFrameTableBase), populated, limit);
    for_each_ram_range(handoff, [&](FrameRange range) { claim(system.frames, range); });

    FrameRange const taken = memory.taken();
    for_each_free_range(handoff, [&](FrameRange range) {
        if (range.end == taken.end) range.end = taken.first;
        if (range.first < range.end) system.heap.add_range(Mfn{range.first}, range.end - range.first);
    });
    build_e820(handoff);
    HV_INFO("memory: %lu MiB, %lu KiB for the core's tables", count_frames(handoff) >> 8, (taken.end - taken.first) << 2);
}

Mfn find_low_memory(Handoff const& handoff, u64 pages) {
    constexpr u64 kEndOfBaseMemory = (u64{640} << 10) >> kPageShift;
    Mfn found{};
    for (MemoryRange const& range : memory_map(handoff)) {
        u64 const first = std::max(range.start >> kPageShift, u64{1});
        u64 const end = std::min((range.start >> kPageShift) + range.pages, kEndOfBaseMemory);
        if (is_usable(range.efi_type) && first + pages <= end) found = Mfn{end - pages};
    }
    return found;
}

void free_loader_memory(System& system, Handoff const& handoff) {
    // The hand-off itself lies in what is freed.
    std::array<FrameRange, 16> freed{};
    unsigned count = 0;
    for (LoaderRange const& range : loader_ranges(handoff)) {
        bool const is_kept = range.use == LoaderUse::core_image || range.use == LoaderUse::page_tables;
        if (is_kept || count == freed.size()) continue;
        freed[count++] = {range.start >> kPageShift, (range.start >> kPageShift) + range.pages};
    }
    for (unsigned i = 0; i < count; ++i) free_unowned(system, freed[i]);
}

}  // namespace hospes
