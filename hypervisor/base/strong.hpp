// SPDX-License-Identifier: Apache-2.0
// Numbers that must not be mixed up: frames, addresses and identifiers are types of their own.
#pragma once

#include "hypervisor/base/types.hpp"

#include <compare>

namespace hospes {

// A page-frame number. Frames take offsets; a difference of two is a count. The default is no frame at all.
template <typename Tag>
class Frame {
public:
    constexpr Frame() = default;
    explicit constexpr Frame(u64 raw) : raw_{raw} {}

    constexpr u64 raw() const { return raw_; }
    constexpr bool is_valid() const { return raw_ != ~u64{0}; }
    constexpr Frame operator+(u64 count) const { return Frame{raw_ + count}; }
    constexpr u64 operator-(Frame other) const { return raw_ - other.raw_; }
    constexpr Frame& operator++() {
        ++raw_;
        return *this;
    }
    friend constexpr auto operator<=>(Frame, Frame) = default;

private:
    u64 raw_ = ~u64{0};
};

using Mfn = Frame<struct MfnTag>;  // machine frame: the processor's physical memory
using Gfn = Frame<struct GfnTag>;  // what a guest puts in its page tables (for a PV domain: an mfn)
using Pfn = Frame<struct PfnTag>;  // pseudo-physical frame: a PV domain's own dense numbering

// An address in one address space. Addresses take byte offsets, never each other.
template <typename Tag>
class Address {
public:
    constexpr Address() = default;
    explicit constexpr Address(u64 raw) : raw_{raw} {}

    constexpr u64 raw() const { return raw_; }
    constexpr u64 page_offset() const { return raw_ & (kPageSize - 1); }
    constexpr Address operator+(u64 bytes) const { return Address{raw_ + bytes}; }
    constexpr Address operator-(u64 bytes) const { return Address{raw_ - bytes}; }
    constexpr u64 operator-(Address other) const { return raw_ - other.raw_; }
    friend constexpr auto operator<=>(Address, Address) = default;

private:
    u64 raw_ = 0;
};

using MachineAddress = Address<struct MachineAddressTag>;  // maddr
using VirtAddress = Address<struct VirtAddressTag>;        // an address of the core itself
using GuestAddress = Address<struct GuestAddressTag>;      // a virtual address that a guest gave us: never dereferenced

constexpr Mfn mfn_of(MachineAddress maddr) { return Mfn{maddr.raw() >> kPageShift}; }
constexpr MachineAddress maddr_of(Mfn mfn) { return MachineAddress{mfn.raw() << kPageShift}; }

// An identifier: equality and order, no arithmetic.
template <typename Tag, typename Rep>
class Id {
public:
    constexpr Id() = default;
    explicit constexpr Id(Rep raw) : raw_{raw} {}

    constexpr Rep raw() const { return raw_; }
    friend constexpr auto operator<=>(Id, Id) = default;

private:
    Rep raw_{};
};

using DomId = Id<struct DomIdTag, u16>;
using VcpuId = Id<struct VcpuIdTag, u32>;
using PcpuId = Id<struct PcpuIdTag, u32>;
using EventPort = Id<struct EventPortTag, u32>;
using GrantRef = Id<struct GrantRefTag, u32>;        // the granter's number
using GrantHandle = Id<struct GrantHandleTag, u32>;  // the mapper's number
using Pirq = Id<struct PirqTag, u32>;
using Virq = Id<struct VirqTag, u32>;
using Gsi = Id<struct GsiTag, u32>;
using ApicId = Id<struct ApicIdTag, u32>;
using Vector = Id<struct VectorTag, u8>;

// Time in nanoseconds since the core started (system time), or a distance between two such times.
class Nanoseconds {
public:
    constexpr Nanoseconds() = default;
    explicit constexpr Nanoseconds(u64 raw) : raw_{raw} {}
    static constexpr Nanoseconds from_ms(u64 ms) { return Nanoseconds{ms * 1'000'000}; }
    static constexpr Nanoseconds never() { return Nanoseconds{~u64{0}}; }

    constexpr u64 raw() const { return raw_; }
    constexpr Nanoseconds operator+(Nanoseconds o) const { return Nanoseconds{raw_ + o.raw_}; }
    constexpr Nanoseconds operator-(Nanoseconds o) const { return Nanoseconds{raw_ - o.raw_}; }
    constexpr Nanoseconds& operator+=(Nanoseconds o) {
        raw_ += o.raw_;
        return *this;
    }
    friend constexpr auto operator<=>(Nanoseconds, Nanoseconds) = default;

private:
    u64 raw_ = 0;
};

// The special domain numbers of xen/xen.h.
inline constexpr DomId kDomIdDom0{0};
inline constexpr DomId kDomIdFirstReserved{0x7ff0};
inline constexpr DomId kDomIdSelf{0x7ff0};
inline constexpr DomId kDomIdIo{0x7ff1};
inline constexpr DomId kDomIdXen{0x7ff2};
inline constexpr DomId kDomIdInvalid{0x7ff4};

}  // namespace hospes
