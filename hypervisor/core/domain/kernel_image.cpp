// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/kernel_image.hpp"

#include "hypervisor/abi/xen.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace hospes {
namespace {

constexpr u64 kMaxAddress = u64{1} << 32;  // a kernel that claims to reach further is broken

template <typename T>
bool read_at(std::span<u8 const> file, u64 offset, T& to) {
    if (offset > file.size() || file.size() - offset < sizeof to) return false;
    std::memcpy(&to, file.data() + offset, sizeof to);
    return true;
}

u64 number_of(std::span<u8 const> value) {
    u64 number = 0;
    std::memcpy(&number, value.data(), std::min(value.size(), sizeof number));
    return number;
}

void take_note(KernelImage& image, u32 type, std::span<u8 const> value, bool& has_virt_base) {
    switch (type) {
        case XEN_ELFNOTE_ENTRY: image.entry = number_of(value); break;
        case XEN_ELFNOTE_HYPERCALL_PAGE: image.hypercall_page = number_of(value); break;
        case XEN_ELFNOTE_VIRT_BASE:
            image.virt_base = number_of(value);
            has_virt_base = true;
            break;
        case XEN_ELFNOTE_PADDR_OFFSET: image.paddr_offset = number_of(value); break;
        case XEN_ELFNOTE_INIT_P2M: image.init_p2m = number_of(value); break;
        case XEN_ELFNOTE_MOD_START_PFN: image.wants_mod_start_pfn = number_of(value) != 0; break;
        default: break;
    }
}

constexpr u64 align4(u64 value) { return (value + 3) & ~u64{3}; }

// The notes of one segment. A note that does not fit ends it.
void read_notes(KernelImage& image, std::span<u8 const> notes, bool& has_virt_base) {
    constexpr std::string_view kOwner{"Xen\0", 4};
    u64 at = 0;
    ElfNoteHeader header;
    while (read_at(notes, at, header)) {
        u64 const name = at + sizeof header;
        u64 const value = name + align4(header.name_size);
        if (value > notes.size() || notes.size() - value < header.value_size) return;
        bool const is_xen = header.name_size == kOwner.size() && std::memcmp(notes.data() + name, kOwner.data(), kOwner.size()) == 0;
        if (is_xen) take_note(image, header.type, notes.subspan(value, header.value_size), has_virt_base);
        at = value + align4(header.value_size);
    }
}

}  // namespace

Result<KernelImage> read_kernel_image(std::span<u8 const> file, char const*& why) {
    ElfHeader header;
    KernelImage image;
    bool has_virt_base = false;
    auto const refuse = [&](char const* reason) {
        why = reason;
        return Errno::no_exec;
    };
    if (!read_at(file, 0, header) || std::memcmp(header.ident, "\177ELF\2\1", 6) != 0) return refuse("not a 64-bit little-endian ELF image");
    if (header.machine != kElfMachineX86_64) return refuse("not for x86-64");
    for (u32 i = 0; i < header.program_count; ++i) {
        ElfProgramHeader segment;
        if (!read_at(file, header.program_offset + u64{i} * sizeof segment, segment)) return refuse("truncated program headers");
        if (segment.type != kElfLoad && segment.type != kElfNote) continue;
        if (segment.offset > file.size() || file.size() - segment.offset < segment.file_size) return refuse("a segment ends behind the file");
        if (segment.type == kElfNote) {
            read_notes(image, file.subspan(segment.offset, segment.file_size), has_virt_base);
            continue;
        }
        if (segment.memory_size == 0) continue;
        bool const is_sane = segment.file_size <= segment.memory_size && segment.paddr < kMaxAddress && segment.memory_size < kMaxAddress;
        if (!is_sane || image.segment_count == kMaxKernelSegments) return refuse("a segment with impossible addresses");
        image.segments[image.segment_count++] = {segment.offset, segment.file_size, segment.memory_size, segment.paddr};
    }
    if (image.segment_count == 0) return refuse("nothing to load");
    if (image.entry == 0 || !has_virt_base) return refuse("no Xen ELF notes: not a kernel for PV domains");
    for (unsigned i = 0; i < image.segment_count; ++i) {
        KernelSegment& segment = image.segments[i];
        if (segment.address < image.paddr_offset) return refuse("a segment lies below PADDR_OFFSET");
        segment.address -= image.paddr_offset;
        image.end = std::max(image.end, segment.address + segment.memory_size);
    }
    return image;
}

std::optional<u64> whole_page_offset(KernelImage const& image, Pfn pfn) {
    u64 const page = pfn.raw() << kPageShift;
    auto const shares = [](u64 start, u64 first, u64 size) { return start < first + size && first < start + kPageSize; };
    std::span const segments{image.segments.data(), image.segment_count};
    for (KernelSegment const& holder : segments) {
        if (page < holder.address || page + kPageSize > holder.address + holder.file_size) continue;
        u64 const offset = holder.offset + (page - holder.address);
        bool const is_alone = std::all_of(segments.begin(), segments.end(), [&](KernelSegment const& other) {
            return &other == &holder || (!shares(page, other.address, other.memory_size) && !shares(offset, other.offset, other.file_size));
        });
        if (is_alone) return offset;
    }
    return std::nullopt;
}

}  // namespace hospes
