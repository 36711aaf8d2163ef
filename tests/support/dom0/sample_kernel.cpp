// SPDX-License-Identifier: Apache-2.0
#include "tests/support/dom0/sample_kernel.hpp"

#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <xen/elfnote.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace hospes {
namespace {

using Bytes = std::vector<std::byte>;

template <typename T>
void append(Bytes& bytes, T const& value) {
    auto const* const start = reinterpret_cast<std::byte const*>(&value);
    bytes.insert(bytes.end(), start, start + sizeof(value));
}

void append_note(Bytes& notes, std::uint32_t type, void const* content, std::size_t size) {
    append(notes, Elf64_Nhdr{4, static_cast<Elf64_Word>(size), type});
    append(notes, std::array{'X', 'e', 'n', '\0'});
    auto const* const start = static_cast<std::byte const*>(content);
    notes.insert(notes.end(), start, start + size);
    notes.resize((notes.size() + 3) & ~std::size_t{3});
}

void append_note(Bytes& notes, std::uint32_t type, std::optional<std::uint64_t> value) {
    if (value) append_note(notes, type, &*value, sizeof(*value));
}

Bytes notes_of(SampleKernel const& kernel) {
    Bytes notes;
    append_note(notes, XEN_ELFNOTE_GUEST_OS, "sample", 7);
    append_note(notes, XEN_ELFNOTE_XEN_VERSION, kernel.xen_version.c_str(), kernel.xen_version.size() + 1);
    append_note(notes, XEN_ELFNOTE_VIRT_BASE, kernel.virt_base);
    append_note(notes, XEN_ELFNOTE_PADDR_OFFSET, 0);
    if (kernel.has_entry) append_note(notes, XEN_ELFNOTE_ENTRY, kernel.virt_base + 0x100010);
    append_note(notes, XEN_ELFNOTE_INIT_P2M, kernel.p2m_base);
    append_note(notes, XEN_ELFNOTE_HYPERCALL_PAGE, kernel.hypercall_page);
    append_note(notes, XEN_ELFNOTE_HV_START_LOW, kernel.hypervisor_start);
    if (kernel.ramdisk_by_pfn) append_note(notes, XEN_ELFNOTE_MOD_START_PFN, 1);
    return notes;
}

Elf64_Phdr program_header(std::uint32_t type, std::uint64_t offset, std::uint64_t paddr, std::size_t size,
                          std::uint64_t memory_size) {
    Elf64_Phdr header{};
    header.p_type = type;
    header.p_offset = offset;
    header.p_paddr = paddr;
    header.p_filesz = size;
    header.p_memsz = memory_size;
    return header;
}

Elf64_Ehdr file_header(SampleKernel const& kernel, std::size_t programs) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = kernel.type;
    header.e_machine = kernel.machine;
    header.e_phoff = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<Elf64_Half>(programs);
    return header;
}

Bytes lz4_legacy(Bytes const& data) {
    Bytes out;
    append(out, std::uint32_t{0x184c2102});
    Bytes block(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(data.size()))));
    int const size = LZ4_compress_default(reinterpret_cast<char const*>(data.data()), reinterpret_cast<char*>(block.data()),
                                          static_cast<int>(data.size()), static_cast<int>(block.size()));
    append(out, static_cast<std::uint32_t>(size));
    out.insert(out.end(), block.begin(), block.begin() + size);
    return out;
}

Bytes gzip(Bytes const& data) {
    z_stream stream{};
    if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
    Bytes out(deflateBound(&stream, data.size()));
    auto input = data;
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

// As Linux packs it: with the filter for x86 code.
Bytes xz(Bytes const& data) {
    lzma_options_lzma options;
    lzma_lzma_preset(&options, 6);
    lzma_filter filters[] = {{LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    Bytes out(lzma_stream_buffer_bound(data.size()));
    std::size_t size = 0;
    if (lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<std::uint8_t const*>(data.data()),
                                  data.size(), reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size()) != LZMA_OK) {
        std::abort();
    }
    out.resize(size);
    return out;
}

Bytes zstd(Bytes const& data) {
    Bytes out(ZSTD_compressBound(data.size()));
    out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 19));
    return out;
}

}  // namespace

Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    std::uint32_t state = 1;
    for (auto& byte : bytes) byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
    return bytes;
}

Bytes elf_file(SampleKernel const& kernel) {
    auto segments = kernel.segments;
    if (segments.empty()) segments.push_back({0x100000, pattern(5000), 12288});
    auto const notes = kernel.has_notes ? notes_of(kernel) : Bytes{};
    auto const programs = segments.size() + (kernel.has_notes ? 1 : 0);
    Bytes file;
    append(file, file_header(kernel, programs));
    auto offset = sizeof(Elf64_Ehdr) + programs * sizeof(Elf64_Phdr);
    for (auto const& segment : segments) {
        append(file, program_header(PT_LOAD, offset, segment.paddr, segment.content.size(), segment.memory_size));
        offset += segment.content.size();
    }
    if (kernel.has_notes) append(file, program_header(PT_NOTE, offset, 0, notes.size(), notes.size()));
    for (auto const& segment : segments) file.insert(file.end(), segment.content.begin(), segment.content.end());
    file.insert(file.end(), notes.begin(), notes.end());
    return file;
}

Bytes packed(Bytes const& kernel, Packing packing) {
    Bytes out;
    switch (packing) {
        case Packing::gzip: return gzip(kernel);  // its own trailer is the size
        case Packing::xz: out = xz(kernel); break;
        case Packing::zstd: out = zstd(kernel); break;
        case Packing::lz4: out = lz4_legacy(kernel); break;
        case Packing::none: out = kernel; break;
    }
    append(out, static_cast<std::uint32_t>(kernel.size()));
    return out;
}

Bytes bzimage_file(Bytes const& payload, std::uint16_t protocol) {
    constexpr std::size_t kSetupSectors = 3;
    constexpr std::uint32_t kPayloadOffset = 0x100;
    Bytes file((kSetupSectors + 1) * 512 + kPayloadOffset);
    auto const put = [&](std::size_t at, auto value) { std::memcpy(file.data() + at, &value, sizeof(value)); };
    put(0x1f1, static_cast<std::uint8_t>(kSetupSectors));
    put(0x1fe, std::uint16_t{0xaa55});
    put(0x202, std::uint32_t{0x53726448});
    put(0x206, protocol);
    put(0x248, kPayloadOffset);
    put(0x24c, static_cast<std::uint32_t>(payload.size()));
    file.insert(file.end(), payload.begin(), payload.end());
    return file;
}

}  // namespace hospes
