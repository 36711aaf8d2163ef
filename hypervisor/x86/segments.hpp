// SPDX-License-Identifier: Apache-2.0
// Segment descriptors and the task-state segment (SDM vol. 3, 3.4.5, 7.7, 19.5.2).
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

inline constexpr u64 kDescriptorAccessed = u64{1} << 40;
inline constexpr u64 kDescriptorCodeOrData = u64{1} << 44;  // S: clear for system descriptors
inline constexpr u64 kDescriptorDpl = u64{3} << 45;
inline constexpr u64 kDescriptorPresent = u64{1} << 47;

// The selectors of the core's own descriptors, in the two reserved pages of each GDT.
inline constexpr u16 kCoreCs = 0xe008;
inline constexpr u16 kCoreSs = 0xe010;
inline constexpr u16 kTssSelector = 0xe040;  // 16 bytes
inline constexpr u16 kLdtSelector = 0xe050;  // 16 bytes
inline constexpr u64 kFirstReservedGdtByte = 0xe000;
inline constexpr u64 kGdtBytes = 0x1'0000;

inline constexpr u64 kFlatCode64Dpl0 = 0x00af'9b00'0000'ffff;
inline constexpr u64 kFlatDataDpl0 = 0x00cf'9300'0000'ffff;
inline constexpr u64 kFlatCode32Dpl3 = 0x00cf'fb00'0000'ffff;
inline constexpr u64 kFlatDataDpl3 = 0x00cf'f300'0000'ffff;
inline constexpr u64 kFlatCode64Dpl3 = 0x00af'fb00'0000'ffff;

inline constexpr u64 kSystemTypeLdt = 2;
inline constexpr u64 kSystemTypeTss = 9;

// The low half of a 16-byte system descriptor (LDT, TSS); the high half is base >> 32.
constexpr u64 system_descriptor(u64 base, u64 limit, u64 type) {
    return (limit & 0xffff) | ((base & 0xff'ffff) << 16) | (type << 40) | kDescriptorPresent | ((limit >> 16 & 0xf) << 48) |
           ((base >> 24 & 0xff) << 56);
}

struct [[gnu::packed]] Tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 io_bitmap_offset;
};
static_assert(sizeof(Tss) == 104);

inline constexpr usize kIoBitmapBytes = 65536 / 8;

// A TSS followed by a bitmap of all ports and the byte of ones that must end it.
struct TssWithPorts {
    Tss tss;
    u8 denied[kIoBitmapBytes + 1];  // bit set: the port traps
};
inline constexpr u16 kNoIoBitmap = 0xffff;  // beyond the limit: every port traps

}  // namespace hospes
