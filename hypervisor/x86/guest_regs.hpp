// SPDX-License-Identifier: Apache-2.0
// The registers of an interrupted guest, in the order the entry code pushes them (machine/entry.S knows the offsets).
#pragma once

#include "hypervisor/base/types.hpp"

#include <cstddef>

namespace hospes {

struct GuestRegs {
    u64 r15, r14, r13, r12, rbp, rbx;
    u64 rdi, rsi, rdx, r10, r8, r9;  // the arguments of a hypercall, in their order (hypercall/hypercall.hpp)
    u64 rax, rcx, r11;
    u32 error_code;
    u32 vector;
    u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(GuestRegs) == 21 * 8);
static_assert(offsetof(GuestRegs, rdi) == 6 * 8 && offsetof(GuestRegs, r9) == 11 * 8);
static_assert(offsetof(GuestRegs, error_code) == 15 * 8 && offsetof(GuestRegs, vector) == 15 * 8 + 4);
static_assert(offsetof(GuestRegs, rip) == 16 * 8);

inline constexpr u64 kRflagsFixed = 1u << 1;
inline constexpr u64 kRflagsTf = 1u << 8;
inline constexpr u64 kRflagsIf = 1u << 9;
inline constexpr u64 kRflagsDf = 1u << 10;
inline constexpr u64 kRflagsIopl = 3u << 12;
inline constexpr u64 kRflagsNt = 1u << 14;
inline constexpr u64 kRflagsRf = 1u << 16;
inline constexpr u64 kRflagsVm = 1u << 17;
inline constexpr u64 kRflagsAc = 1u << 18;

// Did these registers belong to a guest? Its CS says so; but in virtual-8086 mode CS is any number. No processor enters that mode from
// long mode, but QEMU 7.2 does, by a 32-bit IRET that pops RFLAGS.VM.
constexpr bool is_virtual_8086(GuestRegs const& regs) { return (regs.rflags & kRflagsVm) != 0; }
constexpr bool are_of_guest(GuestRegs const& regs) { return (regs.cs & 3) == 3 || is_virtual_8086(regs); }

// Selectors of the flat descriptors the core keeps in its reserved part of every guest's GDT (xen/arch-x86/xen-x86_64.h).
inline constexpr u16 kGuestCs32 = 0xe023;
inline constexpr u16 kGuestSs = 0xe02b;
inline constexpr u16 kGuestCs64 = 0xe033;

}  // namespace hospes
