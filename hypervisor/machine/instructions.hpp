// SPDX-License-Identifier: Apache-2.0
// Instructions that C++ cannot say.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

inline u64 rdmsr(u32 number) {
    u32 low = 0;
    u32 high = 0;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return u64{high} << 32 | low;
}
inline void wrmsr(u32 number, u64 value) {
    asm volatile("wrmsr" : : "c"(number), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)) : "memory");
}

inline u64 read_cr0() {
    u64 value = 0;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
inline void write_cr0(u64 value) { asm volatile("mov %0, %%cr0" : : "r"(value) : "memory"); }
inline void clear_ts() { asm volatile("clts" : : : "memory"); }
inline u64 read_cr2() {
    u64 value = 0;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
inline u64 read_cr3() {
    u64 value = 0;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr3(u64 value) { asm volatile("mov %0, %%cr3" : : "r"(value) : "memory"); }
inline u64 read_cr4() {
    u64 value = 0;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(u64 value) { asm volatile("mov %0, %%cr4" : : "r"(value) : "memory"); }

inline void write_xcr0(u64 value) {
    asm volatile("xsetbv" : : "c"(0), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)) : "memory");
}

inline u64 read_dr6() {
    u64 value = 0;
    asm volatile("mov %%dr6, %0" : "=r"(value));
    return value;
}
inline void write_dr6(u64 value) { asm volatile("mov %0, %%dr6" : : "r"(value)); }
inline void write_dr7(u64 value) { asm volatile("mov %0, %%dr7" : : "r"(value)); }

inline u8 inb(u16 port) {
    u8 value = 0;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u16 inw(u16 port) {
    u16 value = 0;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u32 inl(u16 port) {
    u32 value = 0;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void outb(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
inline void outw(u16 port, u16 value) { asm volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
inline void outl(u16 port, u32 value) { asm volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }

inline u64 rdtsc() {
    u32 low = 0;
    u32 high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return u64{high} << 32 | low;
}

inline void invlpg(u64 address) { asm volatile("invlpg (%0)" : : "r"(address) : "memory"); }
inline void halt_with_interrupts() { asm volatile("sti; hlt; cli" : : : "memory"); }
inline void open_interrupt_window() { asm volatile("sti; nop; cli" : : : "memory"); }
[[noreturn]] inline void halt_forever() {
    for (;;) asm volatile("cli; hlt" : : : "memory");
}

struct [[gnu::packed]] TableRegister {
    u16 limit;
    u64 base;
};
inline void load_gdt(TableRegister table) { asm volatile("lgdt %0" : : "m"(table) : "memory"); }
inline void load_idt(TableRegister table) { asm volatile("lidt %0" : : "m"(table) : "memory"); }
inline void load_ldt(u16 selector) { asm volatile("lldt %0" : : "r"(selector) : "memory"); }
inline void load_task_register(u16 selector) { asm volatile("ltr %0" : : "r"(selector) : "memory"); }

}  // namespace hospes
