/* SPDX-License-Identifier: Apache-2.0 */
/* What the partner runs (rt/small_domain.hpp: RBX, RBP). Each upcall begins at partner_code, on an empty stack; it never returns. */

    .section .rodata
    .balign 4096
    .globl partner_code, partner_block, partner_code_end
partner_code:
    lea 4096(%rbx), %rsp
    movb $0, -2048(%rbp) /* vcpu_info: evtchn_upcall_pending */
    movq $0, -2040(%rbp) /* evtchn_pending_sel */
    movq $0, (%rbp)
    mov $32, %eax /* event_channel_op */
    mov $4, %edi  /* EVTCHNOP_send */
    mov %rbx, %rsi
    syscall
partner_block:
    cmpq $0, 8(%rbx)
    jne 1f
    mov $29, %eax /* sched_op */
    mov $1, %edi  /* SCHEDOP_block, which opens the upcalls */
    xor %esi, %esi
    syscall
    jmp partner_block
1:  incq 16(%rbx)
    mov $29, %eax
    xor %edi, %edi /* SCHEDOP_yield */
    syscall
    jmp 1b
partner_code_end:
    .section .note.GNU-stack, "", @progbits
