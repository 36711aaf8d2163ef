// SPDX-License-Identifier: Apache-2.0
// Small made-up kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hospes {

struct SampleSegment {
    std::uint64_t paddr = 0x100000;
    std::vector<std::byte> content;
    std::uint64_t memory_size = 0;
};

struct SampleKernel {
    std::vector<SampleSegment> segments = {};  ///< none: one of 5000 bytes, and 3 pages in memory
    std::uint16_t machine = 62;                ///< EM_X86_64
    std::uint16_t type = 2;                    ///< ET_EXEC
    bool has_notes = true;
    bool has_entry = true;
    std::string xen_version = "xen-3.0";
    std::uint64_t virt_base = 0xffffffff80000000;
    std::optional<std::uint64_t> p2m_base = 0x8000000000;
    std::optional<std::uint64_t> hypercall_page = {};
    std::optional<std::uint64_t> hypervisor_start = 0xffff800000000000;
    bool ramdisk_by_pfn = true;
};

/// The kernel as an ELF file.
std::vector<std::byte> elf_file(SampleKernel const& kernel = {});

enum class Packing { gzip, xz, zstd, lz4, none };

/// `kernel` packed as Linux' build does it, its size behind it.
std::vector<std::byte> packed(std::vector<std::byte> const& kernel, Packing packing);

/// A Linux boot file with this payload.
std::vector<std::byte> bzimage_file(std::vector<std::byte> const& payload, std::uint16_t protocol = 0x20f);

/// Bytes that do not repeat soon.
std::vector<std::byte> pattern(std::size_t size);

}  // namespace hospes
