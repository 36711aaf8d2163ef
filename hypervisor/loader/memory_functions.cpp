// SPDX-License-Identifier: Apache-2.0
//
// The C library's memory functions, for the loader and the decoder libraries. Eight bytes at a time in plain registers:
// the decoders copy tens of megabytes in pieces of a few bytes, and string instructions cost a loop per byte on an
// emulated processor and a start-up time on a real one.
#include <stddef.h>
#include <stdint.h>

namespace {

using Byte = unsigned char;

template <typename Word>
Word load(const Byte* from) {
  Word word;
  __builtin_memcpy(&word, from, sizeof(word));
  return word;
}

template <typename Word>
void store(Byte* to, Word word) {
  __builtin_memcpy(to, &word, sizeof(word));
}

// Both ends of up to 2 * sizeof(Word) bytes, all loaded before anything is stored: overlap does no harm.
template <typename Word>
void copy_ends(Byte* to, const Byte* from, size_t bytes) {
  const Word head = load<Word>(from);
  const Word tail = load<Word>(from + bytes - sizeof(Word));
  store(to, head);
  store(to + bytes - sizeof(Word), tail);
}

void copy_small(Byte* to, const Byte* from, size_t bytes) {
  if (bytes >= 8) {
    copy_ends<uint64_t>(to, from, bytes);
  } else if (bytes >= 4) {
    copy_ends<uint32_t>(to, from, bytes);
  } else if (bytes >= 2) {
    copy_ends<uint16_t>(to, from, bytes);
  } else if (bytes == 1) {
    *to = *from;
  }
}

void copy_up(Byte* to, const Byte* from, size_t bytes) {
  const uint64_t tail_low = load<uint64_t>(from + bytes - 16);
  const uint64_t tail_high = load<uint64_t>(from + bytes - 8);
  Byte* const tail = to + bytes - 16;
  for (; bytes > 32; bytes -= 32, from += 32, to += 32) {
    const uint64_t a = load<uint64_t>(from);
    const uint64_t b = load<uint64_t>(from + 8);
    const uint64_t c = load<uint64_t>(from + 16);
    const uint64_t d = load<uint64_t>(from + 24);
    store(to, a);
    store(to + 8, b);
    store(to + 16, c);
    store(to + 24, d);
  }
  if (bytes > 16) {
    const uint64_t a = load<uint64_t>(from);
    const uint64_t b = load<uint64_t>(from + 8);
    store(to, a);
    store(to + 8, b);
  }
  store(tail, tail_low);
  store(tail + 8, tail_high);
}

void copy(Byte* to, const Byte* from, size_t bytes) {
  if (bytes <= 16) {
    copy_small(to, from, bytes);
  } else {
    copy_up(to, from, bytes);
  }
}

void copy_down(Byte* to, const Byte* from, size_t bytes) {
  for (; bytes > 16; bytes -= 8) {
    store(to + bytes - 8, load<uint64_t>(from + bytes - 8));
  }
  copy_small(to, from, bytes);
}

}  // namespace

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, size_t bytes) {
  copy(static_cast<Byte*>(to), static_cast<const Byte*>(from), bytes);
  return to;
}

void* memmove(void* to, const void* from, size_t bytes) {
  Byte* const target = static_cast<Byte*>(to);
  const Byte* const source = static_cast<const Byte*>(from);
  if (bytes > 16 && target > source && target < source + bytes) {
    copy_down(target, source, bytes);
  } else {
    copy(target, source, bytes);
  }
  return to;
}

void* memset(void* to, int value, size_t bytes) {
  Byte* target = static_cast<Byte*>(to);
  const uint64_t pattern = 0x0101010101010101u * static_cast<Byte>(value);
  for (; bytes >= 32; bytes -= 32, target += 32) {
    store(target, pattern);
    store(target + 8, pattern);
    store(target + 16, pattern);
    store(target + 24, pattern);
  }
  for (; bytes >= 8; bytes -= 8, target += 8) {
    store(target, pattern);
  }
  for (; bytes != 0; --bytes, ++target) {
    *target = static_cast<Byte>(value);
  }
  return to;
}

int memcmp(const void* left, const void* right, size_t bytes) {
  const Byte* const a = static_cast<const Byte*>(left);
  const Byte* const b = static_cast<const Byte*>(right);
  for (size_t i = 0; i < bytes; ++i) {
    if (a[i] != b[i]) {
      return a[i] < b[i] ? -1 : 1;
    }
  }
  return 0;
}

void* memchr(const void* where, int value, size_t bytes) {
  const Byte* const start = static_cast<const Byte*>(where);
  for (size_t i = 0; i < bytes; ++i) {
    if (start[i] == static_cast<Byte>(value)) {
      return const_cast<Byte*>(start + i);
    }
  }
  return nullptr;
}

size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length] != 0) {
    ++length;
  }
  return length;
}

}  // extern "C"
