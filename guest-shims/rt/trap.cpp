// SPDX-License-Identifier: Apache-2.0
#include "trap.hpp"

#include "console.hpp"
#include "event.hpp"
#include "hypercall.hpp"
#include "machine.hpp"

extern "C" {
extern const hospes::guest::u64 trap_stub_addresses[32];
extern const hospes::guest::u64 int80_stub, event_stub, syscall_stub;
void failsafe_entry();
void recover_entry();
hospes::guest::u64 call_recoverable(void (*function)(void *), void *argument, hospes::guest::u64 *saved_rsp);
void guest_trap(hospes::guest::TrapFrame *frame);
}

namespace hospes::guest {
namespace {

constexpr u8 kMaskEvents = 4;

trap_info_t table[34];
TrapHook trap_hook = nullptr;
void *trap_hook_context = nullptr;

struct RecoverPoint {
    u64 rsp;
    Fault *fault;
    RecoverPoint *outer;
};
RecoverPoint *recover_point = nullptr;

void register_callback(u16 type, u64 address) {
    callback_register_t request{};
    request.type = type;
    request.flags = CALLBACKF_mask_events;
    request.address = address;
    const long result = hv::callback_op(CALLBACKOP_register, &request);
    if (result != 0) printk("rt: callback type %u refused: %ld\n", type, result);
}

void recover(TrapFrame &frame) {
    RecoverPoint &point = *recover_point;
    point.fault->happened = true;
    point.fault->cr2 = vcpu_info().arch.cr2;
    point.fault->frame = frame;
    recover_point = point.outer;
    frame.rip = address_of(recover_entry);
    frame.rsp = point.rsp;
    frame.rax = 1;
    frame.cs = kKernelCs;
    frame.ss = kFlatSs;
    frame.rflags = 0x2 | (frame.rflags & 0x200);  // IF carries the upcall mask; the rest was the failed code's
}

}  // namespace

void trap_init() {
    for (unsigned vector = 0; vector < 32; ++vector) {
        const u8 privilege = vector == 3 || vector == 4 ? 3 : 0;
        table[vector] = {static_cast<u8>(vector), static_cast<u8>(privilege | kMaskEvents), kFlatCs64, trap_stub_addresses[vector]};
    }
    table[32] = {0x80, 3 | kMaskEvents, kFlatCs64, int80_stub};
    if (hv::set_trap_table(table) != 0) shutdown(SHUTDOWN_crash);
    register_callback(CALLBACKTYPE_event, event_stub);
    register_callback(CALLBACKTYPE_failsafe, address_of(failsafe_entry));
    register_callback(CALLBACKTYPE_syscall, syscall_stub);
}

const trap_info_t *trap_table() { return table; }

void set_trap_hook(TrapHook hook, void *context) {
    trap_hook = hook;
    trap_hook_context = context;
}

void detail::catch_fault(void (*function)(void *), void *argument, Fault &fault) {
    RecoverPoint point{0, &fault, recover_point};
    recover_point = &point;
    if (call_recoverable(function, argument, &point.rsp) == 0) recover_point = point.outer;
}

void dump_frame(const TrapFrame &f) {
    printk("trap %lu error %lx %s\n", f.vector, f.error_code, f.from_user() ? "user" : "kernel");
    printk("rip %lx:%016lx rsp %lx:%016lx rflags %lx cr2 %016lx\n", f.cs, f.rip, f.ss, f.rsp, f.rflags, vcpu_info().arch.cr2);
    printk("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f.rax, f.rbx, f.rcx, f.rdx);
    printk("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", f.rsi, f.rdi, f.rbp, f.r8);
    printk("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", f.r9, f.r10, f.r11, f.r12);
    printk("r13 %016lx r14 %016lx r15 %016lx\n", f.r13, f.r14, f.r15);
    if (f.from_user() || f.rsp < kVirtBase) return;
    const auto *stack = reinterpret_cast<const u64 *>(f.rsp & ~7ULL);
    for (unsigned i = 0; i < 16; i += 4) printk("  %016lx %016lx %016lx %016lx\n", stack[i], stack[i + 1], stack[i + 2], stack[i + 3]);
}

}  // namespace hospes::guest

using namespace hospes::guest;

void guest_trap(TrapFrame *frame) {
    if (trap_hook != nullptr && trap_hook(*frame, trap_hook_context)) return;
    if (frame->vector == kVectorEvent) {
        handle_upcall();
        return;
    }
    if (recover_point != nullptr) {
        recover(*frame);
        return;
    }
    printk("rt: unexpected trap\n");
    dump_frame(*frame);
    shutdown(SHUTDOWN_crash);
}
