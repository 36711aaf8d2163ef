// SPDX-License-Identifier: Apache-2.0
//
// Text of bounded length, built piece by piece without allocation: the loader's messages.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <string_view>

namespace hospes::loader {

/// A number to be printed in hexadecimal, with 0x.
struct Hex {
  uint64_t value;
};

/// A time in counter ticks, to be printed in seconds.
struct Seconds {
  uint64_t ticks;
  uint64_t ticks_per_second;
};

/// Holds up to Capacity characters and drops what goes beyond: for messages, where a cut end is better than none.
template <size_t Capacity>
class BoundedText {
 public:
  static constexpr size_t kCapacity = Capacity;

  [[nodiscard]] std::string_view view() const { return {chars_, length_}; }

  BoundedText& operator<<(char c) {
    if (length_ < Capacity) {
      chars_[length_++] = c;
    }
    return *this;
  }

  BoundedText& operator<<(std::string_view text) {
    for (const char c : text) {
      *this << c;
    }
    return *this;
  }

  BoundedText& operator<<(const char* text) { return *this << std::string_view(text); }

  BoundedText& operator<<(uint64_t value) { return put_number(value, 10); }

  BoundedText& operator<<(Hex hex) {
    *this << "0x";
    return put_number(hex.value, 16);
  }

  /// Two decimals: 1.25.
  BoundedText& operator<<(Seconds time) {
    if (time.ticks_per_second == 0) {
      return *this << '?';
    }
    const uint64_t hundredths = time.ticks / (time.ticks_per_second / 100 + 1);
    *this << hundredths / 100 << '.';
    return *this << static_cast<char>('0' + hundredths / 10 % 10) << static_cast<char>('0' + hundredths % 10);
  }

 private:
  BoundedText& put_number(uint64_t value, uint64_t base) {
    char digits[20];
    size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    while (count != 0) {
      *this << digits[--count];
    }
    return *this;
  }

  size_t length_ = 0;
  char chars_[Capacity] = {};
};

using Message = BoundedText<400>;

}  // namespace hospes::loader
