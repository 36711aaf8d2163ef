// SPDX-License-Identifier: Apache-2.0
// A PV kernel as the core loads it for dom0: an ELF64 image with Xen's notes (xen/elfnote.h).
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"
#include "hypervisor/x86/elf.hpp"

#include <array>
#include <optional>
#include <span>

namespace hospes {

struct KernelSegment {
    u64 offset;        // in the image
    u64 file_size;
    u64 memory_size;   // the rest is zero
    u64 address;       // physical address in the domain, i.e. byte offset from pfn 0
};

inline constexpr unsigned kMaxKernelSegments = 16;

struct KernelImage {
    std::array<KernelSegment, kMaxKernelSegments> segments{};
    unsigned segment_count = 0;
    u64 end = 0;             // first physical address behind the last segment
    u64 entry = 0;           // XEN_ELFNOTE_ENTRY: where it starts under Xen
    u64 virt_base = 0;       // virtual address of physical address 0
    u64 paddr_offset = 0;
    u64 init_p2m = 0;        // where it wants its p2m list; 0: in the initial mapping
    u64 hypercall_page = 0;  // virtual address; 0: it needs none
    bool wants_mod_start_pfn = false;
};

// Reads headers and notes. Errno::no_exec when it is no such image; `why` then says what is wrong with it.
Result<KernelImage> read_kernel_image(std::span<u8 const> file, char const*& why);

// Where in the image a page of the domain lies as a whole, if it does and no other segment has a part of it, here or there.
std::optional<u64> whole_page_offset(KernelImage const& image, Pfn pfn);

}  // namespace hospes
