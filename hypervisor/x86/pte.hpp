// SPDX-License-Identifier: Apache-2.0
// A 64-bit page-table entry (SDM vol. 3, 4.5; APM vol. 2, 5.3).
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

inline constexpr unsigned kEntriesPerTable = 512;

class Pte {
public:
    static constexpr u64 kPresent = 1u << 0;
    static constexpr u64 kWritable = 1u << 1;
    static constexpr u64 kUser = 1u << 2;
    static constexpr u64 kWriteThrough = 1u << 3;
    static constexpr u64 kCacheDisable = 1u << 4;
    static constexpr u64 kAccessed = 1u << 5;
    static constexpr u64 kDirty = 1u << 6;
    static constexpr u64 kPageSizeOrPat = 1u << 7;  // PS above level 1, PAT at level 1
    static constexpr u64 kGlobal = 1u << 8;
    static constexpr u64 kAvailable = 7u << 9;
    static constexpr u64 kAvailableHigh = u64{0x7ff} << 52;
    static constexpr u64 kNoExecute = u64{1} << 63;
    static constexpr u64 kFrameMask = u64{0x000f'ffff'ffff'f000};
    static constexpr u64 kCacheBits = kWriteThrough | kCacheDisable | kPageSizeOrPat;  // of a level-1 entry

    constexpr Pte() = default;
    explicit constexpr Pte(u64 raw) : raw_{raw} {}
    static constexpr Pte make(Mfn mfn, u64 flags) { return Pte{(mfn.raw() << kPageShift) | flags}; }

    constexpr u64 raw() const { return raw_; }
    constexpr bool is_present() const { return (raw_ & kPresent) != 0; }
    constexpr bool is_writable() const { return (raw_ & kWritable) != 0; }
    constexpr bool has(u64 bits) const { return (raw_ & bits) != 0; }
    constexpr Mfn mfn() const { return Mfn{(raw_ & kFrameMask) >> kPageShift}; }
    constexpr Pte with(u64 bits) const { return Pte{raw_ | bits}; }
    constexpr Pte without(u64 bits) const { return Pte{raw_ & ~bits}; }
    friend constexpr bool operator==(Pte, Pte) = default;

private:
    u64 raw_ = 0;
};

// Index of `address` in a table of `level` (1 to 4).
constexpr unsigned table_index(u64 address, unsigned level) {
    return static_cast<unsigned>(address >> (kPageShift + 9 * (level - 1))) & (kEntriesPerTable - 1);
}

}  // namespace hospes
