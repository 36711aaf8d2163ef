// SPDX-License-Identifier: Apache-2.0
#include "handlers.hpp"

extern "C" {
/// What lean_upcall clears.
hospes::guest::u64 lean_vcpu_info = 0, lean_pending_word = 0;
}

/// The end of every handler: the rest of an iret_context on top of RIP, CS, RFLAGS, RSP, SS.
#define LEAN_IRET(flags)        \
    "push $" #flags "\n"        \
    "push %rcx\n"               \
    "push %r11\n"               \
    "push %rax\n"               \
    "mov $23, %eax\n"           \
    "syscall\n"

namespace hospes::guest {
namespace {

[[gnu::naked]] void lean_system_call() { asm volatile("pop %rcx; pop %r11\n" LEAN_IRET(0x100)); }  // VGCF_in_syscall: by SYSRET

[[gnu::naked]] void lean_invalid_opcode() { asm volatile("pop %rcx; pop %r11; addq $2, (%rsp)\n" LEAN_IRET(0)); }

[[gnu::naked]] void lean_page_fault() { asm volatile("pop %rcx; pop %r11; add $8, %rsp; addq $3, (%rsp)\n" LEAN_IRET(0)); }

[[gnu::naked]] void lean_interrupt() { asm volatile("pop %rcx; pop %r11\n" LEAN_IRET(0)); }

[[gnu::naked]] void lean_upcall() {
    asm volatile(
        "push %rax\n"
        "mov lean_vcpu_info(%rip), %rax\n"
        "movb $0, (%rax)\n"
        "movq $0, 8(%rax)\n"
        "mov lean_pending_word(%rip), %rax\n"
        "movq $0, (%rax)\n"
        "pop %rax\n"
        "pop %rcx; pop %r11\n" LEAN_IRET(0));
}

void register_callback(u16 type, u64 address, u16 flags) {
    callback_register_t request{};
    request.type = type;
    request.flags = flags;
    request.address = address;
    if (hv::callback_op(CALLBACKOP_register, &request) != 0) printk("bench: callback %u refused\n", type);
}

}  // namespace

LeanHandlers::LeanHandlers(EventPort port) {
    lean_vcpu_info = address_of(&vcpu_info());
    lean_pending_word = address_of(&shared_info().evtchn_pending[raw(port) / 64]);
    static_assert(offsetof(vcpu_info_t, evtchn_pending_sel) == 8);
    const trap_info_t table[] = {{6, 0, kFlatCs64, address_of(lean_invalid_opcode)},
                                 {14, 0, kFlatCs64, address_of(lean_page_fault)},
                                 {0x80, 3, kFlatCs64, address_of(lean_interrupt)},
                                 {}};
    if (hv::set_trap_table(table) != 0) printk("bench: trap table refused\n");
    register_callback(CALLBACKTYPE_event, address_of(lean_upcall), 0);
    register_callback(CALLBACKTYPE_syscall, address_of(lean_system_call), 0);
}

LeanHandlers::~LeanHandlers() { trap_init(); }

}  // namespace hospes::guest
