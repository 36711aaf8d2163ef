/* SPDX-License-Identifier: Apache-2.0 */
/* Where a started processor begins (SDM vol. 3, 8.4): in real mode, at a page below 1 MiB this code has been copied to. It goes straight
   to long mode on tables of its own, which identity-map this page and carry the core's slots. machine/ap_start.cpp fills the parameters. */

#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME_NXE 0x900
#define CR0_PG_WP_PE 0x80010001
#define AT(label) ((label) - ap_start_code)

    .section .rodata.ap_start, "a", @progbits
    .balign 16
    .globl ap_start_code
ap_start_code:
    .code16
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov AT(ap_start_root), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME_NXE, %eax
    wrmsr
    mov %cr0, %eax
    and $0x9fffffff, %eax
    or $CR0_PG_WP_PE, %eax
    lgdtl AT(ap_start_gdtr)
    mov %eax, %cr0
    ljmpl *AT(ap_start_far)

    .code64
1:  mov ap_start_stack(%rip), %rsp
    mov ap_start_argument(%rip), %rdi
    mov ap_start_function(%rip), %rax
    xor %ebp, %ebp
    call *%rax
    ud2

    .balign 8
ap_start_gdt:
    .quad 0
    .quad 0x00209b0000000000
ap_start_gdtr:
    .word . - ap_start_gdt - 1
    .globl ap_start_gdt_address
ap_start_gdt_address:
    .long AT(ap_start_gdt)
    .globl ap_start_far
ap_start_far:
    .long AT(1b)
    .word 8
    .balign 8
    .globl ap_start_root
ap_start_root:
    .quad 0
    .globl ap_start_stack
ap_start_stack:
    .quad 0
    .globl ap_start_argument
ap_start_argument:
    .quad 0
    .globl ap_start_function
ap_start_function:
    .quad 0
    .globl ap_start_end
ap_start_end:

    .section .note.GNU-stack, "", @progbits
