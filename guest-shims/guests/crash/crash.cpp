// SPDX-License-Identifier: Apache-2.0
// Ends itself in the way the option way=NAME asks for, to show that a crash stays where it is.
#include "rt/guest.hpp"

extern "C" [[noreturn]] void raw_iret(const iret_context *frame);

namespace hospes::guest {
namespace {

/// A null pointer with no handler registered: the hypervisor finds nobody to tell.
void null_pointer() {
    static_cast<void>(hv::set_trap_table(nullptr));
    asm volatile("mov 0, %%rax" : : : "rax");
}

/// Takes its own kernel half out of the running root: code, stack and handlers are gone at once.
void page_table() {
    const Mfn root = mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base));
    mmu_update_t gone{maddr(root, 511 * 8), 0};
    static_cast<void>(hv::mmu_update(&gone, 1));
    static_cast<void>(hv::mmuext_linear(MMUEXT_TLB_FLUSH_LOCAL, 0));
}

/// An exception on a stack that cannot take its frame: where a processor would end in a triple fault.
void triple_fault() { asm volatile("mov %0, %%rsp\n ud2" : : "r"(0x10UL)); }

/// The same with a stack pointer in the hypervisor's own range.
void hypervisor_stack() { asm volatile("mov %0, %%rsp\n ud2" : : "r"(0xffff82d040400000UL)); }

void panic() { shutdown(SHUTDOWN_crash); }

/// Never gives the processor up: upcalls masked, no hypercall.
void endless_loop() {
    printk("crash: looping\n");
    console_drain(100000);
    for (;;) asm volatile("");
}

/// Enters user mode without a user root.
void no_user_root() {
    iret_context frame{};
    frame.cs = kFlatCs64;
    frame.ss = kFlatSs;
    frame.rip = 0x400000;
    frame.rflags = 0x202;
    raw_iret(&frame);
}

/// The iret hypercall on a stack that is not there.
void iret_without_stack() { raw_iret(reinterpret_cast<const iret_context *>(0x10)); }

/// A handler at an address that is not mapped: each fault raises the next until the stack is used up.
void bad_handler() {
    trap_info_t table[2] = {{14, 4, kFlatCs64, 0x1000}, {}};
    static_cast<void>(hv::set_trap_table(table));
    asm volatile("mov 0, %%rax" : : : "rax");
}

/// IRET with 32-bit operands and RFLAGS.VM set, in user mode: QEMU 7.2 enters virtual-8086 mode by it, which no processor does.
void virtual_8086() {
    UserSpace user;
    constexpr u32 kFrame[9] = {0, 0x1000, 0x20202, 0x1000, 0x1000, 0, 0, 0, 0};  // EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS
    constexpr u8 kIretWithoutRexW[] = {0xcf};
    volatile u32 *const words = reinterpret_cast<volatile u32 *>(user.stack().va());
    for (unsigned i = 0; i < 9; ++i) words[i] = kFrame[i];
    TrapFrame start = user.initial_frame();
    start.rsp = kUserStack;
    const Fault fault = user.run(kIretWithoutRexW, sizeof kIretWithoutRexW, start);
    printk("crash: the processor refuses (vector %u)\n", static_cast<unsigned>(fault.vector()));
    shutdown(SHUTDOWN_crash);
}

struct Way {
    const char *name;
    void (*end)();
};
constexpr Way kWays[] = {{"null", null_pointer},     {"page-table", page_table},    {"triple-fault", triple_fault},
                         {"panic", panic},           {"loop", endless_loop},        {"hypervisor-stack", hypervisor_stack},
                         {"no-user-root", no_user_root}, {"iret", iret_without_stack}, {"handler", bad_handler},
                         {"virtual-8086", virtual_8086}};

}  // namespace

void run() {
    char name[32] = "";
    static_cast<void>(option_text("way", name, sizeof name));
    for (const Way &way : kWays) {
        if (!text_equal(way.name, name)) continue;
        printk("crash: about to end by %s\n", way.name);
        console_drain(100000);
        way.end();
        printk("crash: still alive after %s\n", way.name);
        return;
    }
    printk("crash: give way=NAME, one of:");
    for (const Way &way : kWays) printk(" %s", way.name);
    printk("\n");
}

}  // namespace hospes::guest
