/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF notes by which a loader knows a PV kernel (xen/elfnote.h): the same set as a stock Linux has, plus the
   hypercall page, which Linux no longer uses. */
#define __ASSEMBLY__
#include <xen/elfnote.h>

.macro note_string type, text
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  .asciz "\text"
2:  .balign 4
    .popsection
.endm

.macro note_number type, values:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  .quad \values
2:  .balign 4
    .popsection
.endm

note_string XEN_ELFNOTE_GUEST_OS, "hospes-guest-shim"
note_string XEN_ELFNOTE_GUEST_VERSION, "1"
note_string XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
note_string XEN_ELFNOTE_LOADER, "generic"
note_string XEN_ELFNOTE_PAE_MODE, "yes"
note_string XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb"
note_number XEN_ELFNOTE_SUPPORTED_FEATURES, 0x801 /* writable page tables, dom0 */
note_number XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000
note_number XEN_ELFNOTE_PADDR_OFFSET, 0
note_number XEN_ELFNOTE_ENTRY, guest_entry
note_number XEN_ELFNOTE_HYPERCALL_PAGE, hypercall_page
note_number XEN_ELFNOTE_INIT_P2M, 0x8000000000
note_number XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000
note_number XEN_ELFNOTE_L1_MFN_VALID, 1, 1
note_number XEN_ELFNOTE_MOD_START_PFN, 1
note_number XEN_ELFNOTE_SUSPEND_CANCEL, 1

/* Filled by the loader: 32 bytes a hypercall. Until then every entry is INT3. */
    .section .hypercall_page, "ax", @progbits
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .fill 4096, 1, 0xcc

    .section .note.GNU-stack, "", @progbits
