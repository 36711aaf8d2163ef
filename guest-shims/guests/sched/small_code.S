/* SPDX-License-Identifier: Apache-2.0 */
/* What small domains run: one page, independent of where it lies. RBX: the data page (small_domain.cpp: DataPage);
   RBP: shared_info's pending bits. */

    .section .rodata
    .balign 4096
    .globl small_code, small_code_end, small_spin, small_echo
small_code:
small_spin:
    inc %rax
    jmp small_spin

small_echo:
    mov $29, %eax /* sched_op */
    mov $3, %edi  /* SCHEDOP_poll */
    mov %rbx, %rsi
    syscall
    mov 32(%rbx), %eax
    lock btr %rax, (%rbp)
    jnc small_echo
    mov $32, %eax /* event_channel_op */
    mov $4, %edi  /* EVTCHNOP_send */
    lea 32(%rbx), %rsi
    syscall
    jmp small_echo
small_code_end:
    .section .note.GNU-stack, "", @progbits
