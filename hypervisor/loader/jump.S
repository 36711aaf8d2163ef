// SPDX-License-Identifier: Apache-2.0
// The last instructions before the core. Position-independent: they run from a copy on a page that the firmware's tables
// and the core's both map at its machine address.
//   rdi  Handoff (virtual)    rsi  CR3    rdx  top of the boot stack (virtual)    rcx  core's entry    r8  CR4    r9  CR0
    .section .rodata
    .global hospes_jump_start, hospes_jump_end
    .hidden hospes_jump_start, hospes_jump_end
    .balign 16
hospes_jump_start:
    cli
    cld
    mov     %r8, %cr4           // no global pages from here on: the load of CR3 drops every translation
    mov     %rsi, %cr3
    mov     %r9, %cr0
    mov     %rdx, %rsp
    pushq   $0
    pushq   %rcx
    xor     %eax, %eax
    xor     %ebx, %ebx
    xor     %ecx, %ecx
    xor     %edx, %edx
    xor     %esi, %esi
    xor     %ebp, %ebp
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d
    xor     %r12d, %r12d
    xor     %r13d, %r13d
    xor     %r14d, %r14d
    xor     %r15d, %r15d
    ret                         // to the entry; leaves the zero above as its return address
hospes_jump_end:

    .section .note.GNU-stack, "", @progbits
