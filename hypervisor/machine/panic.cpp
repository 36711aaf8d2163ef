// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/panic.hpp"

#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/machine/serial.hpp"
#include "hypervisor/machine/symbols.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/exceptions.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {
namespace {

constexpr unsigned kTraceWords = 512;  // of the stack that are searched
constexpr unsigned kTraceLines = 24;
constinit bool is_panicking = false;

extern "C" unsigned char const vector_stubs[];

bool is_in_stack_guard(u64 address) {
    u64 const offset = address - reinterpret_cast<u64>(this_pcpu().stack_block);
    return offset < kStackBlockBytes && is_stack_guard(offset);
}

// Every word on the stack that points into code is a candidate: calls are seen even when a frame is damaged.
void print_back_trace(u64 stack) {
    u64 const end = (stack | (kStackBlockBytes - 1)) + 1;
    u64 const image = reinterpret_cast<u64>(vector_stubs) & ~((u64{16} << 20) - 1);
    unsigned lines = 0;
    if (is_in_stack_guard(stack)) stack = (stack | (kPageSize - 1)) + 1;
    auto const* word = reinterpret_cast<u64 const*>((stack + 7) & ~u64{7});
    for (unsigned i = 0; i < kTraceWords && reinterpret_cast<u64>(word) < end && lines < kTraceLines; ++i, ++word) {
        if (*word < image || *word >= image + (u64{16} << 20)) continue;
        Symbol const symbol = find_symbol(*word);
        if (symbol.name == nullptr) continue;
        HV_ERROR("  %016lx  %s+0x%lx", *word, symbol.name, symbol.offset);
        ++lines;
    }
}

void start_panic() {
    if (is_panicking) halt_forever();
    is_panicking = true;
    break_console_lock();
}

[[noreturn]] void finish_panic() {
    HV_ERROR("The machine is stopped. This is a fault of the hypervisor, not of a domain: please report these lines together with what");
    HV_ERROR("the domains were doing; `addr2line -e core.elf` finds the source lines of the addresses above. Switch off or reset to go on.");
    halt_forever();
}

}  // namespace

void panic(char const* file, int line, char const* what) {
    start_panic();
    HV_ERROR("PANIC on pcpu %u: %s (%s:%d)", this_pcpu().id.raw(), what, file, line);
    print_back_trace(reinterpret_cast<u64>(__builtin_frame_address(0)));
    finish_panic();
}

void panic_with_registers(GuestRegs const& r, char const* what) {
    start_panic();
    if (r.vector == kVectorDoubleFault && is_in_stack_guard(read_cr2())) what = "stack overflow";
    HV_ERROR("PANIC on pcpu %u: %s, vector %u error %x", this_pcpu().id.raw(), what, r.vector, r.error_code);
    Symbol const at = find_symbol(r.rip);
    HV_ERROR("in %s+0x%lx", at.name != nullptr ? at.name : "unknown code", at.offset);
    HV_ERROR("rip %lx:%016lx rsp %lx:%016lx rflags %lx", r.cs, r.rip, r.ss, r.rsp, r.rflags);
    HV_ERROR("rax %016lx rbx %016lx rcx %016lx rdx %016lx", r.rax, r.rbx, r.rcx, r.rdx);
    HV_ERROR("rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r.rsi, r.rdi, r.rbp, r.r8);
    HV_ERROR("r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r.r9, r.r10, r.r11, r.r12);
    HV_ERROR("r13 %016lx r14 %016lx r15 %016lx", r.r13, r.r14, r.r15);
    HV_ERROR("cr0 %lx cr2 %016lx cr3 %lx cr4 %lx", read_cr0(), read_cr2(), read_cr3(), read_cr4());
    print_back_trace(r.rsp);
    finish_panic();
}

void reset_machine() {
    outb(0xcf9, 0x02);  // reset control register of every PC chip set
    outb(0xcf9, 0x06);
    outb(0x64, 0xfe);  // keyboard controller
    load_idt({0, 0});
    asm volatile("int3");  // without a handler: triple fault
    halt_forever();
}

}  // namespace hospes
