// SPDX-License-Identifier: Apache-2.0
// ELF64 structures (System V ABI, generic part), as far as loading a kernel needs them.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

struct ElfHeader {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, program_offset, section_offset;
    u32 flags;
    u16 header_size, program_entry_size, program_count, section_entry_size, section_count, section_names;
};
static_assert(sizeof(ElfHeader) == 64);

struct ElfProgramHeader {
    u32 type, flags;
    u64 offset, vaddr, paddr, file_size, memory_size, align;
};
static_assert(sizeof(ElfProgramHeader) == 56);

struct ElfNoteHeader {
    u32 name_size, value_size, type;
};

inline constexpr u32 kElfLoad = 1;
inline constexpr u32 kElfNote = 4;
inline constexpr u16 kElfMachineX86_64 = 62;

}  // namespace hospes
