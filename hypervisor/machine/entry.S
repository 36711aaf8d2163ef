/* SPDX-License-Identifier: Apache-2.0 */
/* Ways into the core and out of it. Offsets are those of GuestRegs (x86/guest_regs.hpp); the word below a vcpu's
   GuestRegs is Vcpu::core_stack_top. */

#define REG_R15 0
#define REG_R14 8
#define REG_R13 16
#define REG_R12 24
#define REG_RBP 32
#define REG_RBX 40
#define REG_RDI 48
#define REG_RSI 56
#define REG_RDX 64
#define REG_R10 72
#define REG_R8 80
#define REG_R9 88
#define REG_RAX 96
#define REG_RCX 104
#define REG_R11 112
#define REG_VECTOR 124
#define REG_RIP 128
#define REG_CS 136
#define REG_RFLAGS 144
#define REG_RSP 152
#define REG_SS 160
#define CORE_STACK_TOP -8
#define RFLAGS_VM 0x20000

#define ENTRY_SYSCALL 0x100
#define ENTRY_COMPAT_SYSCALL 0x101
#define CORE_CS 0xe008
#define CORE_SS 0xe010

/* TrampolineData, in the page behind the trampoline. */
#define DATA_REGS_END (syscall_trampoline + 4096)
#define DATA_GUEST_RSP (syscall_trampoline + 4096 + 8)
#define DATA_SYSCALL_ENTRY (syscall_trampoline + 4096 + 16)
#define DATA_COMPAT_ENTRY (syscall_trampoline + 4096 + 24)

.macro save_registers
    push %r11
    push %rcx
    push %rax
    push %r9
    push %r8
    push %r10
    push %rdx
    push %rsi
    push %rdi
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

.macro restore_registers
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %rdi
    pop %rsi
    pop %rdx
    pop %r10
    pop %r8
    pop %r9
    pop %rax
    pop %rcx
    pop %r11
.endm

    .section .text.entry, "ax", @progbits

/* NMI, #DF, #MC and #DB come on stacks of their own: they may hit between any two instructions here. */
    .set vector, 0
    .balign 4096
    .globl vector_stubs
vector_stubs:
.rept 256
    .balign 16
    .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    .else
    push $0
    .endif
    movl $vector, 4(%rsp)
    .if (vector == 1) || (vector == 2) || (vector == 8) || (vector == 18)
    jmp ist_common
    .else
    jmp trap_common
    .endif
    .set vector, vector + 1
.endr
    .balign 16

trap_common:
    save_registers
    cld
    mov %rsp, %rdi
    xor %ebp, %ebp
    testb $3, REG_CS(%rsp)
    jnz 2f
    testl $RFLAGS_VM, REG_RFLAGS(%rsp)
    jz 1f
2:  mov CORE_STACK_TOP(%rsp), %rsp
    .globl compat_syscall_entry
compat_syscall_entry:
    call guest_trap_entry
    mov %rax, %rdi
    cmpl $ENTRY_SYSCALL, REG_VECTOR(%rdi)
    je return_by_sysret
    jmp return_by_iret
1:  sub $8, %rsp
    call core_trap_entry
    add $8, %rsp
    restore_registers
    add $8, %rsp
    iretq

ist_common:
    save_registers
    cld
    mov %rsp, %rdi
    xor %ebp, %ebp
    sub $8, %rsp
    call ist_trap_entry
    add $8, %rsp
    restore_registers
    add $8, %rsp
    iretq

/* From the trampoline, on the pcpu's stack: RDI has the registers, RBP is 0. What C++ preserves (RBX, R12 to R15) still holds the
   guest's values when it comes back, and no hypercall and no callback writes their copies in the Vcpu. It comes back only for SYSRET. */
    .globl syscall_entry
syscall_entry:
    call guest_syscall_entry
sysret_scratch:
    mov REG_RBP(%rax), %rbp
    mov REG_R10(%rax), %r10
    mov REG_R9(%rax), %r9
    mov REG_R8(%rax), %r8
    mov REG_RDI(%rax), %rdi
    mov REG_RDX(%rax), %rdx
    mov REG_RSI(%rax), %rsi
    mov REG_RIP(%rax), %rcx
    mov REG_RFLAGS(%rax), %r11
    mov REG_RSP(%rax), %rsp
    mov REG_RAX(%rax), %rax
    sysretq

/* void return_by_iret(const GuestRegs *): from the core's stack, so that a fault of IRETQ finds the registers intact. */
    .globl return_by_iret
return_by_iret:
    push REG_SS(%rdi)
    push REG_RSP(%rdi)
    push REG_RFLAGS(%rdi)
    push REG_CS(%rdi)
    push REG_RIP(%rdi)
    mov REG_R11(%rdi), %r11
    mov REG_RCX(%rdi), %rcx
    mov REG_R15(%rdi), %r15
    mov REG_R14(%rdi), %r14
    mov REG_R13(%rdi), %r13
    mov REG_R12(%rdi), %r12
    mov REG_RBP(%rdi), %rbp
    mov REG_RBX(%rdi), %rbx
    mov REG_R10(%rdi), %r10
    mov REG_R9(%rdi), %r9
    mov REG_R8(%rdi), %r8
    mov REG_RAX(%rdi), %rax
    mov REG_RDX(%rdi), %rdx
    mov REG_RSI(%rdi), %rsi
    mov REG_RDI(%rdi), %rdi
    .globl guest_iret_instruction
guest_iret_instruction:
    iretq

/* void return_by_sysret(const GuestRegs *): RCX and R11 become RIP and RFLAGS; RIP must be canonical. */
    .globl return_by_sysret
return_by_sysret:
    mov REG_R15(%rdi), %r15
    mov REG_R14(%rdi), %r14
    mov REG_R13(%rdi), %r13
    mov REG_R12(%rdi), %r12
    mov REG_RBX(%rdi), %rbx
    mov %rdi, %rax
    jmp sysret_scratch

/* void run_on_stack(u64 stack_top, void (*function)()) */
    .globl run_on_stack
run_on_stack:
    mov %rdi, %rsp
    xor %ebp, %ebp
    call *%rsi
    ud2

/* void load_core_segments() */
    .globl load_core_segments
load_core_segments:
    push $CORE_CS
    lea 1f(%rip), %rax
    push %rax
    lretq
1:  mov $CORE_SS, %eax
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    ret

/* The page LSTAR points into. It runs at kAreaTrampoline of its pcpu's area, not where it is linked: only references
   relative to RIP and within this page and the next are right. */
.macro enter_by_syscall marker, cs, entry
    mov %rsp, DATA_GUEST_RSP(%rip)
    mov DATA_REGS_END(%rip), %rsp
    push $0xe02b
    push DATA_GUEST_RSP(%rip)
    push %r11
    push $\cs
    push %rcx
    push 1f(%rip)
    save_registers
    mov %rsp, %rdi
    mov CORE_STACK_TOP(%rsp), %rsp
    xor %ebp, %ebp
    jmp *\entry(%rip)
    .balign 8
1:  .long 0, \marker /* error code and vector */
.endm

    .balign 4096
    .globl syscall_trampoline
syscall_trampoline:
    enter_by_syscall ENTRY_SYSCALL, 0xe033, DATA_SYSCALL_ENTRY
    .balign 16
    .globl syscall_trampoline_compat
syscall_trampoline_compat:
    enter_by_syscall ENTRY_COMPAT_SYSCALL, 0xe023, DATA_COMPAT_ENTRY
    .balign 4096

    .section .note.GNU-stack, "", @progbits
