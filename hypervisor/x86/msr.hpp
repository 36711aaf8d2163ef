// SPDX-License-Identifier: Apache-2.0
// Numbers of model-specific registers and bits of control registers (SDM vol. 4; vol. 3, 2.5).
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

inline constexpr u32 kMsrTsc = 0x10;
inline constexpr u32 kMsrApicBase = 0x1b;
inline constexpr u32 kMsrX2Apic = 0x800;  // and up: a register of the local APIC each
inline constexpr u32 kMsrFeatureControl = 0x3a;
inline constexpr u32 kMsrMicrocode = 0x8b;
inline constexpr u32 kMsrPlatformInfo = 0xce;
inline constexpr u32 kMsrArchCapabilities = 0x10a;
inline constexpr u32 kMsrMiscFeatures = 0x140;
inline constexpr u32 kMsrSysenterCs = 0x174;
inline constexpr u32 kMsrMcgCap = 0x179;
inline constexpr u32 kMsrMcgStatus = 0x17a;
inline constexpr u32 kMsrMiscEnable = 0x1a0;
inline constexpr u32 kMsrPat = 0x277;
inline constexpr u32 kMsrEfer = 0xc000'0080;
inline constexpr u32 kMsrStar = 0xc000'0081;
inline constexpr u32 kMsrLstar = 0xc000'0082;
inline constexpr u32 kMsrCstar = 0xc000'0083;
inline constexpr u32 kMsrSyscallMask = 0xc000'0084;
inline constexpr u32 kMsrFsBase = 0xc000'0100;
inline constexpr u32 kMsrGsBase = 0xc000'0101;
inline constexpr u32 kMsrKernelGsBase = 0xc000'0102;
inline constexpr u32 kMsrTscAux = 0xc000'0103;
inline constexpr u32 kMsrAmdHwcr = 0xc001'0015;
inline constexpr u32 kMsrAmdDeConfig = 0xc001'1029;

inline constexpr u64 kEferSce = 1u << 0;
inline constexpr u64 kEferLme = 1u << 8;
inline constexpr u64 kEferLma = 1u << 10;
inline constexpr u64 kEferNxe = 1u << 11;

inline constexpr u64 kCr0Pe = 1u << 0;
inline constexpr u64 kCr0Mp = 1u << 1;
inline constexpr u64 kCr0Ts = 1u << 3;
inline constexpr u64 kCr0Et = 1u << 4;
inline constexpr u64 kCr0Ne = 1u << 5;
inline constexpr u64 kCr0Wp = 1u << 16;
inline constexpr u64 kCr0Am = 1u << 18;
inline constexpr u64 kCr0Pg = 1u << 31;

inline constexpr u64 kCr4Tsd = 1u << 2;
inline constexpr u64 kCr4De = 1u << 3;
inline constexpr u64 kCr4Pae = 1u << 5;
inline constexpr u64 kCr4Mce = 1u << 6;
inline constexpr u64 kCr4OsFxsr = 1u << 9;
inline constexpr u64 kCr4OsXmmExcpt = 1u << 10;
inline constexpr u64 kCr4FsGsBase = 1u << 16;
inline constexpr u64 kCr4OsXsave = 1u << 18;
inline constexpr u64 kCr4Smep = 1u << 20;
inline constexpr u64 kCr4Smap = 1u << 21;

// The page attribute table every pcpu runs with and every guest reads: WB WT UC- UC WC WP UC UC.
inline constexpr u64 kPatValue = 0x0000'0501'0007'0406;

inline constexpr u64 kXcr0X87 = 1u << 0;
inline constexpr u64 kXcr0Sse = 1u << 1;
inline constexpr u64 kXcr0Avx = 1u << 2;
inline constexpr u64 kXcr0Avx512 = 7u << 5;

inline constexpr u32 kMxcsrDefault = 0x1f80;
inline constexpr u16 kFcwDefault = 0x37f;

}  // namespace hospes
