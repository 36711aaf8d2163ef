/* SPDX-License-Identifier: Apache-2.0 */
/* The few instructions C++ cannot say: start, the entries of traps and callbacks, the return by the iret hypercall,
   and the two non-local exits (recovering from an expected fault, entering user mode). */

    .section .text.entry, "ax", @progbits
    .globl guest_entry
guest_entry:
    cld
    lea boot_stack_top(%rip), %rsp
    xor %ebp, %ebp
    mov %rsi, %rdi
    call guest_main
1:  ud2
    jmp 1b

/* A bounce frame is RCX, R11, [error code], RIP, CS, RFLAGS, RSP, SS (lowest first). Every stub turns it into the
   tail of a TrapFrame: vector, error code, RIP, CS, RFLAGS, RSP, SS. */
.macro trap_stub vector, has_error
    .balign 16
trap_stub_\vector:
    pop %rcx
    pop %r11
    .if \has_error == 0
    push $0
    .endif
    push $\vector
    jmp trap_common
.endm

    .text
.irp v, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20, 22, 23, 24, 25, 26, 27, 28, 31
    trap_stub \v, 0
.endr
.irp v, 8, 10, 11, 12, 13, 14, 17, 21, 29, 30
    trap_stub \v, 1
.endr
    trap_stub 128, 0 /* int $0x80 */
    trap_stub 256, 0 /* event callback */
    trap_stub 257, 0 /* system call callback */

/* Failsafe: four segment selectors stand between R11 and RIP; the faulty ones are given up. */
    .globl failsafe_entry
failsafe_entry:
    pop %rcx
    pop %r11
    add $32, %rsp
    push %rax
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    pop %rax
    push $0
    push $258
    jmp trap_common

trap_common:
    cld
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call guest_trap
    mov %rbx, %rsp
trap_return:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    push $0 /* flags: not VGCF_in_syscall, so RCX and R11 are restored */
    push %rcx
    push %r11
    push %rax
    mov $23, %eax
    syscall
    ud2

/* void enter_frame(TrapFrame *): leaves to the state the frame describes; comes back only by a RecoverPoint. */
    .globl enter_frame
enter_frame:
    mov %rdi, %rsp
    jmp trap_return

/* void raw_iret(const iret_context *): the iret hypercall on a frame exactly as the caller wrote it. */
    .globl raw_iret
raw_iret:
    mov %rdi, %rsp
    mov $23, %eax
    syscall
    ud2

/* u64 call_recoverable(void (*fn)(void *), void *arg, u64 *saved_rsp): 0 when fn returned, else what recover_entry
   was given in RAX. */
    .globl call_recoverable
call_recoverable:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    mov %rsp, (%rdx)
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    xor %eax, %eax
    .globl recover_entry
recover_entry:
    cld
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* long call_hypercall_page(u64 number, u64 a1, u64 a2, u64 a3): through the page the loader filled. */
    .globl call_hypercall_page
call_hypercall_page:
    mov %rdi, %rax
    shl $5, %rax
    lea hypercall_page(%rip), %r10
    add %r10, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    jmp *%rax

    .section .rodata
    .balign 8
    .globl trap_stub_addresses
trap_stub_addresses:
.irp v, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16
    .quad trap_stub_\v
.endr
    .quad trap_stub_17, trap_stub_18, trap_stub_19, trap_stub_20, trap_stub_21, trap_stub_22, trap_stub_23
    .quad trap_stub_24, trap_stub_25, trap_stub_26, trap_stub_27, trap_stub_28, trap_stub_29, trap_stub_30, trap_stub_31
    .globl int80_stub, event_stub, syscall_stub
int80_stub: .quad trap_stub_128
event_stub: .quad trap_stub_256
syscall_stub: .quad trap_stub_257

    .bss
    .balign 4096
    .globl boot_stack_top
    .skip 65536
boot_stack_top:
    .section .note.GNU-stack, "", @progbits
