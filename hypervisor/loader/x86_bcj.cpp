// SPDX-License-Identifier: Apache-2.0
#include "x86_bcj.hpp"

#include <stddef.h>
#include <string.h>

namespace hospes::loader {
namespace {

constexpr size_t kInstructionBytes = 5;  // opcode and a 32-bit distance

uint64_t load64(const unsigned char* from) {
  uint64_t word;
  memcpy(&word, from, sizeof(word));
  return word;
}

uint32_t load32(const unsigned char* from) {
  uint32_t word;
  memcpy(&word, from, sizeof(word));
  return word;
}

bool is_branch(unsigned char byte) { return (byte & 0xfe) == 0xe8; }

// The filter takes a distance for one only if its top byte is all zeroes or all ones.
bool is_sign(unsigned char byte) { return byte == 0x00 || byte == 0xff; }

// Whether one of eight bytes is a branch's opcode: then its byte of `x` is zero, and a zero byte is found by its borrow.
bool holds_branch(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const uint64_t x = (word & (0xfe * kOnes)) ^ (0xe8 * kOnes);
  return ((x - kOnes) & ~x & (0x80 * kOnes)) != 0;
}

// The first opcode byte at or after `at`, or `end`. Reads 8 bytes at a time up to `end` + kInstructionBytes - 1.
size_t next_branch(const unsigned char* code, size_t at, size_t end) {
  while (at + 8 <= end && !holds_branch(load64(code + at))) {
    at += 8;
  }
  while (at < end && !is_branch(code[at])) {
    ++at;
  }
  return at;
}

// The filter remembers which of the three bytes before an opcode were opcodes that it left alone (bit 0: the nearest),
// since their distance fields overlap this instruction.
class Memory {
 public:
  // An opcode `distance` bytes behind the last one.
  void advance(size_t distance) { mask_ = distance > 3 ? 0 : (mask_ << (distance - 1)) & 7; }
  void note_left_alone() { mask_ = mask_ << 1 | 1; }
  [[nodiscard]] bool empty() const { return mask_ == 0; }

  // Which byte of this instruction's distance, counted from the top, the oldest of those overlaps.
  [[nodiscard]] unsigned overlap() const { return mask_ >= 4 ? 3 : mask_ >= 2 ? 2 : mask_; }

  // Two neighbours, or the nearest and the farthest: the filter leaves such an instruction alone.
  [[nodiscard]] bool blocks() const { return mask_ == 3 || mask_ >= 5; }

 private:
  unsigned mask_ = 0;
};

uint32_t sign_extend_25(uint32_t value) {
  value &= 0x01ffffff;
  return (value & 0x01000000) != 0 ? value | 0xfe000000 : value;
}

// The distance that the filter turned into the address `address`; `after` is the position behind the instruction.
uint32_t distance_of(uint32_t address, uint32_t after, const Memory& memory) {
  uint32_t distance = address - after;
  if (!memory.empty()) {
    const unsigned shift = 8 * memory.overlap();
    while (is_sign(static_cast<unsigned char>(distance >> (24 - shift)))) {
      distance = (distance ^ ((uint32_t{1} << (32 - shift)) - 1)) - after;
    }
  }
  return sign_extend_25(distance);
}

}  // namespace

void undo_x86_bcj(std::span<unsigned char> span) {
  if (span.size() < kInstructionBytes) {
    return;
  }
  unsigned char* const code = span.data();
  const size_t end = span.size() - (kInstructionBytes - 1);
  Memory memory;
  size_t last = ~size_t{0};
  for (size_t at = next_branch(code, 0, end); at < end; at = next_branch(code, at, end)) {
    memory.advance(at - last);
    last = at;
    unsigned char* const field = code + at + 1;
    const bool blocked = !memory.empty() && (memory.blocks() || is_sign(field[3 - memory.overlap()]));
    if (!blocked && is_sign(field[3])) {
      const uint32_t after = static_cast<uint32_t>(at + kInstructionBytes);
      const uint32_t distance = distance_of(load32(field), after, memory);
      memcpy(field, &distance, sizeof(distance));
      at += kInstructionBytes;
    } else {
      memory.note_left_alone();
      ++at;
    }
  }
}

}  // namespace hospes::loader
