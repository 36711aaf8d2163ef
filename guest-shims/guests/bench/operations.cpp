// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

namespace hospes::guest {

void bench_hypercalls(const char *) {
    measure("empty loop", [] { asm volatile(""); });
    measure("hypercall, invalid number", [] { static_cast<void>(hypercall(63)); });
    measure("xen_version", [] { static_cast<void>(hv::xen_version(XENVER_version)); });
    multicall_entry_t calls[8]{};
    for (multicall_entry_t &call : calls) call.op = __HYPERVISOR_xen_version;
    measure("multicall of 8 xen_version", [&calls] { static_cast<void>(hv::multicall(calls, 8)); });
    measure("sched_op yield, alone", [] { static_cast<void>(hv::sched_op(SCHEDOP_yield)); });
    measure("stack_switch", [] { static_cast<void>(hv::stack_switch(kFlatSs, user_trap_stack())); });
    measure("set_segment_base (gs user)", [] { static_cast<void>(hv::set_segment_base(SEGBASE_GS_USER, 0)); });
    measure("set_timer_op", [] { static_cast<void>(hv::set_timer_op(0x7fffffffffffff)); });
    static_cast<void>(hv::set_timer_op(0));
}

void bench_memory(const char *) {
    const Window window;
    const Page page, table;
    if (!window.usable()) return;
    const u64 writable = entry(page.mfn(), kWritablePage), read_only = entry(page.mfn(), kReadOnlyPage);
    static_cast<void>(window.map(0, writable));
    measure("update_va_mapping, no flush, rw and ro", [&] {
        static_cast<void>(hv::update_va_mapping(window.va(0), read_only, UVMF_NONE));
        static_cast<void>(hv::update_va_mapping(window.va(0), writable, UVMF_NONE));
    });
    measure("update_va_mapping, invlpg, map and unmap", [&] {
        static_cast<void>(window.map(0, 0));
        static_cast<void>(window.map(0, writable));
    });
    measure("mmu_update of 1, available bit", [&] {
        static_cast<void>(hv::mmu_update_one(window.l1.slot(0), writable | kAvailable));
        static_cast<void>(hv::mmu_update_one(window.l1.slot(0), writable));
    });
    mmu_update_t batch[32];
    for (unsigned i = 0; i < 32; ++i) batch[i] = {window.l1.slot(i), (i & 1) != 0 ? 0 : writable};
    measure("mmu_update, batch of 32", [&] { static_cast<void>(hv::mmu_update(batch, 32)); });
    for (unsigned i = 1; i < 32; ++i) static_cast<void>(window.map(i, 0));
    measure("direct write to a page table, map and unmap", [&] {
        *const_cast<volatile u64 *>(&window.l1[0]) = 0;
        *const_cast<volatile u64 *>(&window.l1[0]) = writable;
    });
    measure("mmuext tlb_flush_local", [] { static_cast<void>(hv::mmuext_linear(MMUEXT_TLB_FLUSH_LOCAL, 0)); });
    measure("mmuext invlpg_local", [&] { static_cast<void>(hv::mmuext_linear(MMUEXT_INVLPG_LOCAL, window.va(0))); });
    const Mfn root = current_root();
    measure("mmuext new_baseptr (same)", [root] { static_cast<void>(hv::mmuext_mfn(MMUEXT_NEW_BASEPTR, root)); });
    measure("CR3 read, emulated", [] { static_cast<void>(current_root()); });
    if (table.make_read_only() != 0) return;
    measure("pin and unpin of an empty L1", [&] {
        static_cast<void>(hv::mmuext_mfn(MMUEXT_PIN_L1_TABLE, table.mfn()));
        static_cast<void>(hv::mmuext_mfn(MMUEXT_UNPIN_TABLE, table.mfn()));
    });
    static_cast<void>(window.map(0, 0));
}

void bench_events(const char *) {
    EventPort port{};
    if (bind_ipi(0, port) != 0) return;
    measure("evtchn_send to self, masked", [port] {
        static_cast<void>(send_event(port));
        clear_pending(port);
    });
    unmask_port(port);
    events_enable();
    measure("evtchn_send to self with upcall and iret", [port] { static_cast<void>(send_event(port)); });
    events_disable();
    mask_port(port);
    static_cast<void>(close_port(port));
}

namespace {

u64 calls_left = 0;

/// Lets user code go on behind its system call until the round is over.
bool answer_system_call(TrapFrame &frame, void *) {
    if (frame.vector == 6) frame.rip += 2;
    else if (frame.vector != kVectorSyscall) return false;
    return --calls_left > 0;
}

void measure_user(const char *name, const UserSpace &user, const u8 *code, size_t size) {
    u64 best = ~0ULL;
    for (unsigned attempt = 0; attempt < 5; ++attempt) {
        calls_left = rounds();
        const u64 start = read_tsc();
        static_cast<void>(user.run(code, size, user.initial_frame()));
        const u64 ticks = (read_tsc() - start) / rounds();
        if (ticks < best) best = ticks;
    }
    printk("BENCH %s: %lu ticks\n", name, best);
}

}  // namespace

void bench_user_mode(const char *) {
    const UserSpace user;
    if (!user.usable()) return;
    set_trap_hook(answer_system_call, nullptr);
    constexpr u8 kCallLoop[] = {0x0f, 0x05, 0xeb, 0xfc};        // 1: syscall; jmp 1b
    constexpr u8 kInvalidLoop[] = {0x0f, 0x0b, 0xeb, 0xfc};     // 1: ud2; jmp 1b
    measure_user("user round trip, system call", user, kCallLoop, sizeof kCallLoop);
    measure_user("user round trip, #UD", user, kInvalidLoop, sizeof kInvalidLoop);
    set_trap_hook(nullptr, nullptr);
}

void bench_traps(const char *) {
    set_trap_hook(
        [](TrapFrame &frame, void *) {
            if (frame.vector != 6 && frame.vector != 14) return false;
            frame.rip += frame.vector == 6 ? 2 : 3;
            return true;
        },
        nullptr);
    measure("kernel round trip, #UD", [] { asm volatile("ud2"); });
    measure("kernel round trip, #PF", [] { asm volatile(".byte 0x48, 0x8b, 0x00" : : "a"(0x1000UL)); });  // mov (%rax), %rax
    set_trap_hook(nullptr, nullptr);
}

}  // namespace hospes::guest
