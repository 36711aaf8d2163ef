// SPDX-License-Identifier: Apache-2.0
// A set of processors of the machine, and its text as libvirt and xl write it: "0-3,^2,7".
#pragma once

#include "dom0-tools/base/result.hpp"

#include <cstdint>
#include <string>

namespace hospes {

class CpuSet {
public:
    /// As many as the hypervisor can have.
    static constexpr unsigned kMost = 64;

    constexpr CpuSet() = default;
    explicit constexpr CpuSet(std::uint64_t bits) : bits_{bits} {}
    static constexpr CpuSet all() { return CpuSet{~std::uint64_t{0}}; }
    static constexpr CpuSet first(unsigned count) { return count >= kMost ? all() : CpuSet{(std::uint64_t{1} << count) - 1}; }

    constexpr std::uint64_t bits() const { return bits_; }
    constexpr bool is_empty() const { return bits_ == 0; }
    constexpr bool contains(unsigned cpu) const { return cpu < kMost && (bits_ >> cpu & 1) != 0; }
    constexpr bool contains(CpuSet other) const { return (other.bits_ & ~bits_) == 0; }
    friend constexpr CpuSet operator&(CpuSet a, CpuSet b) { return CpuSet{a.bits_ & b.bits_}; }
    friend constexpr bool operator==(CpuSet, CpuSet) = default;

private:
    std::uint64_t bits_ = 0;
};

/// Numbers and ranges, separated by commas; those behind ^ are taken out again; "all" alone means all.
/// EINVAL says what is wrong with the text; a set without any processor is wrong, too.
Result<CpuSet> parse_cpu_set(std::string_view text);

/// "0-1,3"; "-" for none.
std::string to_string(CpuSet cpus);
/// The same, but "all" for a set that has all `existing` ones.
std::string shown_among(CpuSet cpus, CpuSet existing);

}  // namespace hospes
