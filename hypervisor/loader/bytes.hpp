// SPDX-License-Identifier: Apache-2.0
//
// Reading little-endian numbers out of files that are not trusted.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

namespace hospes::loader {

using Bytes = std::span<const unsigned char>;

/// The number at `offset`. The caller has checked that it lies in `bytes`.
template <typename Number>
[[nodiscard]] Number read_at(Bytes bytes, uint64_t offset) {
  Number number = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    number = static_cast<Number>(number | static_cast<Number>(Number{bytes[offset + i]} << (8 * i)));
  }
  return number;
}

/// Whether [offset, offset + size) lies in `whole` bytes.
[[nodiscard]] constexpr bool lies_within(uint64_t offset, uint64_t size, uint64_t whole) {
  return offset <= whole && size <= whole - offset;
}

}  // namespace hospes::loader
