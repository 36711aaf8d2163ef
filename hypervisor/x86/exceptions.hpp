// SPDX-License-Identifier: Apache-2.0
// Exception vectors and error codes (SDM vol. 3, 6.3, 4.7), and our own markers in GuestRegs::vector.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

inline constexpr u8 kVectorDivide = 0;
inline constexpr u8 kVectorDebug = 1;
inline constexpr u8 kVectorNmi = 2;
inline constexpr u8 kVectorBreakpoint = 3;
inline constexpr u8 kVectorOverflow = 4;
inline constexpr u8 kVectorInvalidOpcode = 6;
inline constexpr u8 kVectorNoFpu = 7;
inline constexpr u8 kVectorDoubleFault = 8;
inline constexpr u8 kVectorInvalidTss = 10;
inline constexpr u8 kVectorNotPresent = 11;
inline constexpr u8 kVectorStack = 12;
inline constexpr u8 kVectorProtection = 13;
inline constexpr u8 kVectorPageFault = 14;
inline constexpr u8 kVectorAlignment = 17;
inline constexpr u8 kVectorMachineCheck = 18;
inline constexpr u8 kVectorSimd = 19;
inline constexpr u8 kVectorLinuxInt80 = 0x80;

// Does the processor push an error code for this vector?
constexpr bool has_error_code(u8 vector) {
    constexpr u32 kWithCode = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 | 1u << 21 | 1u << 29 | 1u << 30;
    return vector < 32 && ((kWithCode >> vector) & 1) != 0;
}

inline constexpr u32 kPageFaultPresent = 1u << 0;
inline constexpr u32 kPageFaultWrite = 1u << 1;
inline constexpr u32 kPageFaultUser = 1u << 2;
inline constexpr u32 kPageFaultReserved = 1u << 3;
inline constexpr u32 kPageFaultFetch = 1u << 4;

inline constexpr u32 kSelectorErrorExternal = 1u << 0;
inline constexpr u32 kSelectorErrorIdt = 1u << 1;

// GuestRegs::vector of an entry by SYSCALL (64-bit), by SYSCALL from compatibility mode, and of a state that was made by software and
// must be returned to by IRETQ. After a SYSCALL, and in a bounce frame, RCX and R11 are free, so SYSRET may be used.
inline constexpr u32 kEntrySyscall = 0x100;
inline constexpr u32 kEntryCompatSyscall = 0x101;
inline constexpr u32 kEntryNone = 0x102;

}  // namespace hospes
