// SPDX-License-Identifier: Apache-2.0
#include "decoder_shim.hpp"

#include <string.h>

namespace hospes::loader {
namespace {

constexpr uint32_t kFsBaseMsr = 0xc0000100;
constexpr size_t kStackProtectorWord = 0x28 / 8;

uint64_t read_msr(uint32_t msr) {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return uint64_t{high} << 32 | low;
}

void write_msr(uint32_t msr, uint64_t value) {
  asm volatile("wrmsr" : : "c"(msr), "a"(static_cast<uint32_t>(value)), "d"(static_cast<uint32_t>(value >> 32)));
}

struct Arena {
  unsigned char* next = nullptr;
  size_t left = 0;
};
Arena arena;  // malloc takes no other argument than a size

void* take_from_arena(size_t bytes) {
  const size_t rounded = (bytes + 63) & ~size_t{63};
  if (rounded < bytes || rounded > arena.left) {
    return nullptr;
  }
  void* const block = arena.next;
  arena.next += rounded;
  arena.left -= rounded;
  return block;
}

// A damaged stack in a decoder: nothing after it can be trusted, the firmware included.
[[noreturn]] void halt() {
  for (;;) {
    asm volatile("cli; hlt");
  }
}

}  // namespace

DecoderEnvironment::DecoderEnvironment(const Efi& efi, const Pages& pages)
    : boot_(efi.boot), old_level_(efi.boot->RaiseTPL(TPL_HIGH_LEVEL)), old_fs_base_(read_msr(kFsBaseMsr)) {
  arena = {pages.data(), pages.bytes()};
  thread_block_[0] = reinterpret_cast<uint64_t>(thread_block_);
  thread_block_[kStackProtectorWord] = read_tsc() << 8;
  write_msr(kFsBaseMsr, reinterpret_cast<uint64_t>(thread_block_));
}

DecoderEnvironment::~DecoderEnvironment() {
  write_msr(kFsBaseMsr, old_fs_base_);
  arena = {};
  boot_->RestoreTPL(old_level_);
}

}  // namespace hospes::loader

extern "C" {

void* malloc(size_t bytes) { return hospes::loader::take_from_arena(bytes); }

void free(void*) {}

void* calloc(size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    return nullptr;
  }
  void* const block = malloc(bytes);
  if (block != nullptr) {
    memset(block, 0, bytes);
  }
  return block;
}

[[noreturn]] void __stack_chk_fail() { hospes::loader::halt(); }

}  // extern "C"
