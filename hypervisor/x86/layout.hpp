// SPDX-License-Identifier: Apache-2.0
// The core's part of the address space: L4 slots 256 to 271, the same in every page table (the ABI gives us exactly these).
//
//   256  ffff800000000000  machine-to-physical table, read-only for guests
//   257  ffff808000000000  frame table
//   258  ffff810000000000  per-pcpu area: GDT and LDT windows, syscall trampoline
//   259  ffff818000000000  device memory of the core (MSI-X tables)
//   261  ffff828000000000  the core's image (at ffff82d080000000)
//   262  ffff830000000000  direct map of physical memory, up to slot 271 (5 TiB)
#pragma once

#include "hypervisor/abi/handoff.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

inline constexpr u64 kHypervisorStart = 0xffff'8000'0000'0000;
inline constexpr u64 kHypervisorEnd = 0xffff'8800'0000'0000;  // exclusive
inline constexpr unsigned kFirstHypervisorSlot = 256;
inline constexpr unsigned kLastHypervisorSlot = 271;

inline constexpr u64 kM2pBase = 0xffff'8000'0000'0000;
inline constexpr u64 kM2pEnd = 0xffff'8040'0000'0000;  // what the ABI reserves: 256 GiB
inline constexpr u64 kFrameTableBase = 0xffff'8080'0000'0000;
inline constexpr u64 kPcpuAreaBase = 0xffff'8100'0000'0000;
inline constexpr u64 kMmioBase = 0xffff'8180'0000'0000;
inline constexpr u64 kCoreBase = 0xffff'82d0'8000'0000;
// kDirectMapBase, where the loader has put it: abi/handoff.hpp
inline constexpr u64 kDirectMapEnd = kHypervisorEnd;

// One pcpu's area: kPcpuAreaBase + number * kPcpuAreaStride, plus these offsets (machine/pcpu_area.hpp fills it).
inline constexpr u64 kPcpuAreaStride = u64{2} << 20;
inline constexpr u64 kAreaTrampoline = 0x0'0000;  // code that SYSCALL enters: one frame, seen in every area
inline constexpr u64 kAreaData = 0x0'1000;        // what that code reads; must follow it
inline constexpr u64 kAreaTss = 0x0'2000;         // TSS with I/O bitmap, three pages
inline constexpr u64 kAreaGdt = 0x1'0000;         // 16 pages: 14 of the current vcpu, two of the core
inline constexpr u64 kAreaLdt = 0x2'0000;         // 16 pages of the current vcpu
inline constexpr u64 kAreaStacks = 0x4'0000;      // the pcpu's stacks, with a hole below each

// May a guest name this range in a hypercall argument, a handler or a stack? (Canonical, and not ours.)
constexpr bool is_guest_range(GuestAddress start, u64 size) {
    u64 const first = start.raw();
    u64 const last = first + (size == 0 ? 0 : size - 1);
    if (last < first) return false;
    bool const low = last < 0x0000'8000'0000'0000;
    bool const high = first >= kHypervisorEnd;
    return low || high;
}

// Bits 47 to 63 are all alike.
constexpr bool is_canonical(u64 address) {
    i64 const top = static_cast<i64>(address) >> 47;
    return top == 0 || top == -1;
}

}  // namespace hospes
