// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/elf_image.hpp"

#include "dom0-tools/control/byte_reader.hpp"

#include <elf.h>

#include <cstring>

namespace hospes::control {
namespace {

constexpr std::uint64_t kLargestAddress = std::uint64_t{1} << 32;  // of a segment's end; kernels stay far below

std::unexpected<Error> cut_off(std::span<std::byte const> file, std::string_view where) {
    return fail(EINVAL, "the file is cut off: it ends after {} bytes, inside {}", file.size(), where);
}

Status check_header(Elf64_Ehdr const& header) {
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64) {
        return fail(EINVAL, "the ELF file is for another processor (class {}, machine {}); an x86-64 kernel is needed",
                    header.e_ident[EI_CLASS], header.e_machine);
    }
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
        return fail(EINVAL, "the ELF file is not an executable (type {}), so it is no kernel", header.e_type);
    }
    if (header.e_phentsize != sizeof(Elf64_Phdr)) {
        return fail(EINVAL, "the ELF file has program headers of {} bytes; {} were expected", header.e_phentsize,
                    sizeof(Elf64_Phdr));
    }
    return {};
}

Status add_segment(std::span<std::byte const> file, Elf64_Phdr const& program, ElfImage& image) {
    if (program.p_type != PT_LOAD && program.p_type != PT_NOTE) return {};
    auto const content = slice(file, program.p_offset, program.p_filesz);
    if (!content) return cut_off(file, "one of its segments");
    if (program.p_type == PT_NOTE) {
        image.notes.push_back(*content);
        return {};
    }
    if (program.p_memsz < program.p_filesz || program.p_paddr > kLargestAddress ||
        program.p_memsz > kLargestAddress - program.p_paddr) {
        return fail(EINVAL, "the ELF file has a segment of {} bytes in memory at {:#x}, which cannot be", program.p_memsz,
                    program.p_paddr);
    }
    if (program.p_memsz > 0) image.segments.push_back({program.p_paddr, *content, program.p_memsz});
    return {};
}

}  // namespace

bool is_elf(std::span<std::byte const> file) {
    return file.size() >= SELFMAG && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
}

Result<ElfImage> read_elf(std::span<std::byte const> file) {
    auto const header = read_at<Elf64_Ehdr>(file, 0);
    if (!is_elf(file)) return fail(EINVAL, "it is not an ELF file");
    if (!header) return cut_off(file, "the ELF header");
    HV_TRY(check_header(*header));
    ElfImage image;
    for (std::size_t i = 0; i < header->e_phnum; ++i) {
        auto const program = read_at<Elf64_Phdr>(file, header->e_phoff + i * sizeof(Elf64_Phdr));
        if (!program) return cut_off(file, "its program headers");
        HV_TRY(add_segment(file, *program, image));
    }
    if (image.segments.empty()) return fail(EINVAL, "the ELF file has nothing to load, so it is no kernel");
    return image;
}

}  // namespace hospes::control
