// SPDX-License-Identifier: Apache-2.0
#include "page_tables.hpp"

namespace hospes::loader {
namespace {

constexpr uint64_t kPresent = 1 << 0;
constexpr uint64_t kWritable = 1 << 1;
constexpr uint64_t kAccessed = 1 << 5;
constexpr uint64_t kDirty = 1 << 6;
constexpr uint64_t kLarge = 1 << 7;
constexpr uint64_t kNoExecute = uint64_t{1} << 63;
constexpr uint64_t kAddressMask = 0x000ffffffffff000;

uint64_t address_of(const Table* table) { return reinterpret_cast<uint64_t>(table); }

uint64_t leaf_flags(Access access) {
  switch (access) {
    case Access::read:
      return kPresent | kAccessed | kNoExecute;
    case Access::read_write:
      return kPresent | kWritable | kAccessed | kDirty | kNoExecute;
    case Access::read_execute:
      return kPresent | kAccessed;
  }
  return 0;
}

uint64_t divide_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit; }

}  // namespace

uint64_t PageTables::root() const { return address_of(pool_.data()); }

Table* PageTables::next_table() {
  if (used_ == pool_.size()) {
    complete_ = false;
    return nullptr;
  }
  return &pool_[used_++];
}

// The entry of level `level` (1: 4 KiB page) that translates `address`, with the tables above it made as needed.
uint64_t* PageTables::entry_for(uint64_t address, unsigned level) {
  Table* table = &pool_[0];
  for (unsigned here = 4;; --here) {
    uint64_t* const entry = &table->entries[(address >> (12 + 9 * (here - 1))) & 511];
    if (here == level) {
      return entry;
    }
    if ((*entry & kPresent) == 0) {
      const Table* const below = next_table();
      if (below == nullptr) {
        return nullptr;
      }
      *entry = address_of(below) | kPresent | kWritable | kAccessed;
    }
    table = reinterpret_cast<Table*>(*entry & kAddressMask);
  }
}

void PageTables::map_direct(uint64_t base, uint64_t bytes, bool huge) {
  const uint64_t step = huge ? kHugePageBytes : kLargePageBytes;
  for (uint64_t machine = 0; machine < bytes; machine += step) {
    uint64_t* const entry = entry_for(base + machine, huge ? 3 : 2);
    if (entry == nullptr) {
      return;
    }
    *entry = machine | kLarge | leaf_flags(Access::read_write);
  }
}

void PageTables::map_pages(uint64_t address, uint64_t machine, uint64_t pages, Access access) {
  for (uint64_t i = 0; i < pages; ++i) {
    uint64_t* const entry = entry_for(address + i * kPageBytes, 1);
    if (entry == nullptr) {
      return;
    }
    *entry = (machine + i * kPageBytes) | leaf_flags(access);
  }
}

size_t tables_needed(uint64_t direct_bytes, bool huge, uint64_t core_window_bytes) {
  const uint64_t direct_l3 = divide_up(direct_bytes, 512 * kHugePageBytes);
  const uint64_t direct_l2 = huge ? 0 : divide_up(direct_bytes, kHugePageBytes);
  const uint64_t core = 2 + divide_up(core_window_bytes, kLargePageBytes) + 1;
  const uint64_t jump = 3;
  return 1 + direct_l3 + direct_l2 + core + jump;
}

}  // namespace hospes::loader
