// SPDX-License-Identifier: Apache-2.0
// One physical processor: its number, its stack, and what is loaded in it.
#pragma once

#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/pv/exceptions.hpp"
#include "hypervisor/ports/ipi.hpp"
#include "hypervisor/x86/segments.hpp"

#include <atomic>

namespace hospes {

class Vcpu;

// What the SYSCALL trampoline reads (machine/entry.S knows the offsets).
struct TrampolineData {
    u64 regs_end;       // of the vcpu that runs: where its registers are pushed
    u64 guest_rsp;      // scratch
    u64 syscall_entry;  // the core's part of the entry
    u64 compat_entry;
};

// A block of stacks, aligned to its size, so that any stack pointer leads to the Pcpu in its last word. The lowest page of each stack is
// not mapped: the IST stacks lie first, the pcpu's own takes the rest.
inline constexpr usize kStackBlockBytes = 64 << 10;
inline constexpr usize kIstStackBytes = 8 << 10;
enum class IstStack : u8 { none = 0, double_fault = 1, nmi = 2, machine_check = 3, debug = 4 };
inline constexpr unsigned kIstStacks = 4;
constexpr bool is_stack_guard(u64 offset) { return offset % kIstStackBytes < kPageSize && offset < kIstStacks * kIstStackBytes + kPageSize; }

// Pcpu::last_flush while nothing is loaded: no translation of a guest can be stale there.
inline constexpr u64 kNoTranslations = ~u64{0};

struct Pcpu {
    PcpuId id;
    ApicId apic_id;
    u32 acpi_id = 0;
    u8* stack_block = nullptr;  // in the pcpu's area
    TrampolineData* trampoline = nullptr;
    TssWithPorts* tss = nullptr;
    u64* gdt = nullptr;      // the two reserved pages: entries from 0xe000 on
    u64* area_l1 = nullptr;  // the level-1 table of the pcpu's area: GDT and LDT windows are entries of it

    Vcpu* running = nullptr;  // the scheduler's choice; null: idle
    Vcpu* loaded = nullptr;   // whose registers, address space and FPU are in the processor; stays so while idle
    Mfn loaded_root;
    bool are_debug_registers_armed = false;
    Fault deferred_fault{};  // of the guest, on its way from another stack to this pcpu's own

    // Written by other pcpus.
    std::atomic<bool> is_online{false};
    std::atomic<bool> is_to_park{false};  // to stay offline when it has no vcpu
    std::atomic<bool> kicked{false};   // look at the scheduler and the events before the next return
    std::atomic<u32> requests{0};      // bits of machine/requests.hpp
    std::atomic<u64> last_flush{kNoTranslations};  // of the clock in machine/tlb.cpp

    u64 stack_top() const { return reinterpret_cast<u64>(stack_block) + kStackBlockBytes - 16; }
};

extern constinit Pcpu pcpus[kMaxPcpus];
extern constinit u32 pcpu_count;  // entries of `pcpus` in use, from 0 on

// The processor whose stack this is: where the core was entered from a guest it is on one.
inline Pcpu& pcpu_of_stack() {
    u64 stack = 0;
    asm("mov %%rsp, %0" : "=r"(stack));
    return **reinterpret_cast<Pcpu**>((stack | (kStackBlockBytes - 1)) - 7);
}

// The processor this code runs on.
inline Pcpu& this_pcpu() {
    if (pcpu_count <= 1) return pcpus[0];  // also before the boot processor is on its own stack
    return pcpu_of_stack();
}

// The vcpu whose entry into the core is being handled.
Vcpu& current_vcpu();

}  // namespace hospes
