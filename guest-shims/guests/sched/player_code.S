/* SPDX-License-Identifier: Apache-2.0 */
/* What players run (rt/small_domain.hpp: RBX, RBP). */

    .section .rodata
    .balign 4096
    .globl player_code, player_code_end, player_spin, player_echo, player_plug, player_unplug
player_code:
player_spin:
    inc %rax
    jmp player_spin

/* Until the port in the data page is pending. */
wait_for_event:
    lea 24(%rbx), %rax /* the list of ports is the port */
    mov %rax, (%rbx)
    movl $1, 8(%rbx)
1:  mov $29, %eax /* sched_op */
    mov $3, %edi  /* SCHEDOP_poll */
    mov %rbx, %rsi
    syscall
    mov 24(%rbx), %eax
    lock btr %rax, (%rbp)
    jnc 1b
    ret

answer:
    mov $32, %eax /* event_channel_op */
    mov $4, %edi  /* EVTCHNOP_send */
    lea 24(%rbx), %rsi
    syscall
    ret

player_echo:
    call wait_for_event
    call answer
    jmp player_echo

player_plug:
    call wait_for_event
1:  mov $29, %eax /* sched_op */
    mov $0, %edi  /* SCHEDOP_yield */
    syscall
    mov $24, %eax /* vcpu_op */
    mov $3, %edi  /* VCPUOP_is_up */
    mov $1, %esi
    syscall
    test %eax, %eax
    jnz 1b
    mov $24, %eax /* vcpu_op */
    mov $1, %edi  /* VCPUOP_up */
    mov $1, %esi
    syscall
    call answer
    jmp player_plug

player_unplug:
    lock incq 32(%rbx)
    mov $24, %eax /* vcpu_op */
    mov $2, %edi  /* VCPUOP_down */
    mov $1, %esi
    syscall
    jmp player_unplug
player_code_end:
    .section .note.GNU-stack, "", @progbits
