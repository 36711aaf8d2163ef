// SPDX-License-Identifier: Apache-2.0
// core.elf, inside hospes.efi. CORE_ELF is its path, given by loader.mk.
    .section .rodata
    .global hospes_core_elf_start, hospes_core_elf_end
    .hidden hospes_core_elf_start, hospes_core_elf_end
    .balign 16
hospes_core_elf_start:
    .incbin CORE_ELF
hospes_core_elf_end:

    .section .note.GNU-stack, "", @progbits
