/* SPDX-License-Identifier: Apache-2.0 */
/* What players run (rt/small_domain.hpp: RBX, RBP). */

    .section .rodata
    .balign 4096
    .globl player_code, player_code_end, player_spin, player_echo, player_plug, player_unplug
player_code:
player_spin:
    inc %rax
    jmp player_spin

player_echo:
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
    mov $32, %eax /* event_channel_op */
    mov $4, %edi  /* EVTCHNOP_send */
    lea 24(%rbx), %rsi
    syscall
    jmp 1b

player_plug:
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
2:  mov $29, %eax /* sched_op */
    mov $0, %edi  /* SCHEDOP_yield */
    syscall
    mov $24, %eax /* vcpu_op */
    mov $3, %edi  /* VCPUOP_is_up */
    mov $1, %esi
    syscall
    test %eax, %eax
    jnz 2b
    mov $24, %eax /* vcpu_op */
    mov $1, %edi  /* VCPUOP_up */
    mov $1, %esi
    syscall
    mov $32, %eax /* event_channel_op */
    mov $4, %edi  /* EVTCHNOP_send */
    lea 24(%rbx), %rsi
    syscall
    jmp 1b

player_unplug:
    lock incq 32(%rbx)
    mov $24, %eax /* vcpu_op */
    mov $2, %edi  /* VCPUOP_down */
    mov $1, %esi
    syscall
    jmp player_unplug
player_code_end:
    .section .note.GNU-stack, "", @progbits
