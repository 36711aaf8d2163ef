// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace hospes::guest {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i32 = int32_t;
using i64 = int64_t;

constexpr u64 kPageSize = 4096;
constexpr u64 kPageShift = 12;

/// A machine frame number: what page tables and hypercalls name.
enum class Mfn : u64 {};
/// The guest's own numbering of its memory, dense from 0.
enum class Pfn : u64 {};
/// An event channel port of this domain.
enum class EventPort : u32 {};
/// Index into this domain's grant table.
enum class GrantRef : u32 {};

template <class Strong> constexpr auto raw(Strong value) { return static_cast<__underlying_type(Strong)>(value); }

constexpr u64 maddr(Mfn mfn, u64 offset = 0) { return (raw(mfn) << kPageShift) | offset; }

template <class T> u64 address_of(const T *pointer) { return reinterpret_cast<u64>(pointer); }
inline u64 address_of(void (*function)()) { return reinterpret_cast<u64>(function); }

}  // namespace hospes::guest
