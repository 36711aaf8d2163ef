// SPDX-License-Identifier: Apache-2.0
//
// What the core wakes up on: its image in memory and the page tables.
#include <catch2/catch.hpp>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "hypervisor/loader/core_layout.hpp"

using namespace hospes;
using namespace hospes::loader;
using Catch::Matchers::Contains;

namespace {

constexpr uint64_t kCore = kCoreVirtualBase + kCoreFirstOffset;
constexpr uint64_t kGiB = uint64_t{1} << 30;

struct Translation {
  uint64_t machine;
  bool writable;
  bool executable;
  bool user;
  bool global;
  uint64_t page_bytes;
};

// What the processor would do (SDM volume 3, 4.5). Tables lie at their pointers.
std::optional<Translation> walk(uint64_t root, uint64_t address) {
  Translation result{0, true, true, true, false, 0};
  uint64_t table = root;
  for (unsigned level = 4; level >= 1; --level) {
    const uint64_t entry = reinterpret_cast<const Table*>(table)->entries[(address >> (12 + 9 * (level - 1))) & 511];
    if ((entry & 1) == 0) {
      return std::nullopt;
    }
    result.writable = result.writable && (entry & 2) != 0;
    result.user = result.user && (entry & 4) != 0;
    result.executable = result.executable && (entry >> 63) == 0;
    table = entry & 0x000ffffffffff000;
    if (level == 1 || (level < 4 && (entry & 0x80) != 0)) {
      result.page_bytes = uint64_t{1} << (12 + 9 * (level - 1));
      result.global = (entry & 0x100) != 0;
      result.machine = (table & ~(result.page_bytes - 1)) + (address & (result.page_bytes - 1));
      return result;
    }
  }
  return std::nullopt;
}

ElfImage core_of(std::initializer_list<Segment> segments) {
  ElfImage core;
  core.entry = kCore;
  for (const Segment& segment : segments) {
    core.segments[core.segment_count++] = segment;
  }
  return core;
}

Segment text(uint64_t offset, uint64_t file, uint64_t memory) { return {0, file, kCore + offset, memory, true, false, true}; }
Segment data(uint64_t offset, uint64_t file, uint64_t memory) { return {4, file, kCore + offset, memory, true, true, false}; }
Segment rodata(uint64_t offset, uint64_t memory) { return {0, 0, kCore + offset, memory, true, false, false}; }

std::string message_of(const ElfImage& core) {
  const Outcome<uint64_t> bytes = core_bytes(core);
  REQUIRE_FALSE(bytes.ok());
  return std::string(bytes.why().text.view());
}

}  // namespace

TEST_CASE("the direct map covers its memory in large pages, writable and never executable") {
  const bool huge = GENERATE(false, true);
  const uint64_t bytes = 5 * kGiB;
  std::vector<Table> pool(tables_needed(bytes, huge, kCoreLimitOffset - kCoreFirstOffset));
  PageTables tables(pool);
  tables.map_direct(kDirectMapBase, bytes, huge);
  REQUIRE(tables.complete());
  for (const uint64_t machine : {uint64_t{0}, uint64_t{0x1234567}, 4 * kGiB, bytes - 1}) {
    const auto found = walk(tables.root(), kDirectMapBase + machine);
    REQUIRE(found);
    CHECK(found->machine == machine);
    CHECK((found->writable && !found->executable && !found->user && !found->global));
    CHECK(found->page_bytes == (huge ? kHugePageBytes : kLargePageBytes));
  }
  CHECK_FALSE(walk(tables.root(), kDirectMapBase + bytes));
  CHECK_FALSE(walk(tables.root(), kDirectMapBase - 1));
}

TEST_CASE("tables_needed is enough for the largest core, without and with 1 GiB pages") {
  for (const uint64_t gib : {4, 64, 513, 2000}) {
    for (const bool huge : {false, true}) {
      const uint64_t window = kCoreLimitOffset - kCoreFirstOffset;
      std::vector<Table> pool(tables_needed(gib * kGiB, huge, window));
      PageTables tables(pool);
      tables.map_direct(kDirectMapBase, gib * kGiB, huge);
      tables.map_pages(kCore, 0x200000, window / kPageBytes, Access::read);
      tables.map_pages(0x3f000, 0x3f000, 1, Access::read_execute);
      INFO(gib << " GiB");
      CHECK(tables.complete());
    }
  }
}

TEST_CASE("a pool that is too small is noticed") {
  std::vector<Table> pool(3);
  PageTables tables(pool);
  tables.map_pages(kCore, 0x200000, 1, Access::read);
  CHECK_FALSE(tables.complete());
}

TEST_CASE("each page of the core has its segment's rights and no more") {
  const ElfImage core = core_of({text(0, 100, 0x1800), rodata(0x2000, 0x1000), data(0x3000, 8, 0x2001)});
  REQUIRE(core_bytes(core).ok());
  CHECK(core_bytes(core).value() == 0x6000);
  std::vector<Table> pool(8);
  PageTables tables(pool);
  map_core(core, 0x40000000, tables);
  REQUIRE(tables.complete());
  for (uint64_t offset = 0; offset < 0x6000; offset += kPageBytes) {
    const auto found = walk(tables.root(), kCore + offset);
    INFO(offset);
    REQUIRE(found);
    CHECK(found->machine == 0x40000000 + offset);
    CHECK(found->executable == (offset < 0x2000));
    CHECK(found->writable == (offset >= 0x3000));
    CHECK_FALSE((found->user || found->global));
  }
  CHECK_FALSE(walk(tables.root(), kCore + 0x6000));
}

TEST_CASE("the core's bytes are placed, gaps and bss are zero") {
  const ElfImage core = core_of({text(0, 4, 0x10), data(0x2000, 4, 0x1800)});
  const unsigned char file[] = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<unsigned char> place(core_bytes(core).value(), 0xcc);
  place_core(core, file, place.data());
  std::vector<unsigned char> expected(0x4000, 0);
  memcpy(expected.data(), file, 4);
  memcpy(expected.data() + 0x2000, file + 4, 4);
  CHECK(place == expected);
}

TEST_CASE("a core that breaks the rules is refused by name") {
  CHECK_THAT(message_of(core_of({text(0x800, 0, 0x10)})), Contains("does not start on a page"));
  CHECK_THAT(message_of(core_of({text(0, 0, 0x10), {0, 0, kCore + 0x1000, 8, true, true, true}})),
             Contains("writable and executable"));
  CHECK_THAT(message_of(core_of({text(0, 0, 0x1001), data(0x1000, 0, 8)})), Contains("shares a page"));
  CHECK_THAT(message_of(core_of({text(kCoreLimitOffset, 0, 8)})), Contains("outside the core's window"));
  CHECK_THAT(message_of(core_of({text(0, 0, ~uint64_t{0})})), Contains("outside the core's window"));
  CHECK_THAT(message_of(core_of({{0, 0, 0x1000, 8, true, false, true}})), Contains("outside the core's window"));
  ElfImage elsewhere = core_of({text(0, 0, 0x10)});
  elsewhere.entry = kCore + 0x1000;
  CHECK_THAT(message_of(elsewhere), Contains("entry point"));
}
