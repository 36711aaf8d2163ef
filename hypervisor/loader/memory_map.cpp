// SPDX-License-Identifier: Apache-2.0
#include "memory_map.hpp"

namespace hospes::loader {
namespace {

constexpr uint64_t kPageShift = 12;

uint64_t end_of(const MemoryRange& range) { return range.start + (range.pages << kPageShift); }

// Insertion sort: firmware maps are short (hundreds) and nearly sorted.
void sort_by_start(std::span<MemoryRange> ranges) {
  for (size_t i = 1; i < ranges.size(); ++i) {
    const MemoryRange moving = ranges[i];
    size_t at = i;
    while (at > 0 && ranges[at - 1].start > moving.start) {
      ranges[at] = ranges[at - 1];
      --at;
    }
    ranges[at] = moving;
  }
}

bool continues(const MemoryRange& before, const MemoryRange& range) {
  return end_of(before) == range.start && before.efi_type == range.efi_type && before.attributes == range.attributes;
}

}  // namespace

bool is_ram(EfiMemoryType type) {
  switch (type) {
    case EfiMemoryType::loader_code:
    case EfiMemoryType::loader_data:
    case EfiMemoryType::boot_services_code:
    case EfiMemoryType::boot_services_data:
    case EfiMemoryType::runtime_services_code:
    case EfiMemoryType::runtime_services_data:
    case EfiMemoryType::conventional:
    case EfiMemoryType::acpi_reclaim:
    case EfiMemoryType::acpi_nvs:
      return true;
    default:
      return false;
  }
}

uint64_t end_of_ram(std::span<const MemoryRange> ranges) {
  uint64_t end = 0;
  for (const MemoryRange& range : ranges) {
    if (is_ram(range.efi_type) && end_of(range) > end) {
      end = end_of(range);
    }
  }
  return end;
}

size_t tidy(std::span<MemoryRange> ranges) {
  sort_by_start(ranges);
  size_t kept = 0;
  for (const MemoryRange& range : ranges) {
    if (range.pages == 0) {
      continue;
    }
    if (kept != 0 && continues(ranges[kept - 1], range)) {
      ranges[kept - 1].pages += range.pages;
    } else {
      ranges[kept++] = range;
    }
  }
  return kept;
}

}  // namespace hospes::loader
