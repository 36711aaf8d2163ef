// SPDX-License-Identifier: Apache-2.0
//
// The page tables the core starts on (SDM volume 3, 4.5: 4-level paging). Works on pages it is given and calls no
// firmware: a table's machine address is its pointer, as under UEFI's identity map.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

namespace hospes::loader {

inline constexpr uint64_t kPageBytes = 4096;
inline constexpr uint64_t kLargePageBytes = uint64_t{2} << 20;
inline constexpr uint64_t kHugePageBytes = uint64_t{1} << 30;

/// One page table, page aligned and zeroed by its owner.
struct alignas(kPageBytes) Table {
  uint64_t entries[512];
};

enum class Access { read, read_write, read_execute };

/// Fills tables from a pool whose size `tables_needed` told.
class PageTables {
 public:
  /// `pool` is zeroed and outlives the object; its first page becomes the L4.
  explicit PageTables(std::span<Table> pool) : pool_(pool), used_(1) {}

  [[nodiscard]] uint64_t root() const;

  /// False once a mapping did not find a table in the pool: the tables are then unusable.
  [[nodiscard]] bool complete() const { return complete_; }

  /// Maps [0, bytes) at virtual address `base`, RW, NX, in 1 GiB pages (`huge`) or 2 MiB pages.
  /// `base` and `bytes` are multiples of 1 GiB.
  void map_direct(uint64_t base, uint64_t bytes, bool huge);

  /// Maps `pages` 4 KiB pages from `machine` at `address`.
  void map_pages(uint64_t address, uint64_t machine, uint64_t pages, Access access);

 private:
  uint64_t* entry_for(uint64_t address, unsigned level);
  Table* next_table();

  std::span<Table> pool_;
  size_t used_;
  bool complete_ = true;
};

/// How many tables the core's start needs: the L4, a direct map of `direct_bytes`, one window of core image and the jump's page.
[[nodiscard]] size_t tables_needed(uint64_t direct_bytes, bool huge, uint64_t core_window_bytes);

}  // namespace hospes::loader
