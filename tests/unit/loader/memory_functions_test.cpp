// SPDX-License-Identifier: Apache-2.0
//
// The loader's own memory functions, under names that leave the C library's alone.
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

namespace {
namespace c_library {
const auto move = &::memmove;
}  // namespace c_library
}  // namespace

#define memcpy loader_memcpy
#define memmove loader_memmove
#define memset loader_memset
#define memcmp loader_memcmp
#define memchr loader_memchr
#define strlen loader_strlen
#include "hypervisor/loader/memory_functions.cpp"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen

TEST_CASE("memmove moves as the C library's does, however the ranges overlap") {
  std::vector<unsigned char> start(400);
  for (size_t i = 0; i < start.size(); ++i) {
    start[i] = static_cast<unsigned char>(i * 7 + i / 256);
  }
  for (size_t bytes = 0; bytes < 150; ++bytes) {
    for (size_t to = 0; to < 150; to += 1 + to / 40) {
      auto ours = start;
      auto theirs = start;
      REQUIRE(loader_memmove(ours.data() + to, ours.data() + 75, bytes) == ours.data() + to);
      c_library::move(theirs.data() + to, theirs.data() + 75, bytes);
      REQUIRE(ours == theirs);
    }
  }
}

TEST_CASE("memcpy and memset write their bytes and no others") {
  for (size_t bytes = 0; bytes < 200; ++bytes) {
    const std::vector<unsigned char> from(bytes, 0xab);
    std::vector<unsigned char> copied(bytes + 32, 1);
    loader_memcpy(copied.data() + 16, from.data(), bytes);
    std::vector<unsigned char> set(bytes + 32, 1);
    loader_memset(set.data() + 16, 0x1ab, bytes);
    REQUIRE(copied == set);
    for (size_t i = 0; i < copied.size(); ++i) {
      REQUIRE(copied[i] == (i >= 16 && i < 16 + bytes ? 0xab : 1));
    }
  }
}

TEST_CASE("memcmp, memchr and strlen answer as the C library's") {
  CHECK(loader_memcmp("abc", "abd", 3) < 0);
  CHECK(loader_memcmp("ab\xff", "abd", 3) > 0);
  CHECK(loader_memcmp("abc", "abd", 2) == 0);
  const char text[] = "needle";
  CHECK(loader_memchr(text, 'd', 6) == text + 3);
  CHECK(loader_memchr(text, 'd', 3) == nullptr);
  CHECK(loader_strlen(text) == 6);
  CHECK(loader_strlen("") == 0);
}
