// SPDX-License-Identifier: Apache-2.0
#include "core_layout.hpp"

#include <string.h>

namespace hospes::loader {
namespace {

constexpr uint64_t kFirst = kCoreVirtualBase + kCoreFirstOffset;
constexpr uint64_t kWindow = kCoreLimitOffset - kCoreFirstOffset;

uint64_t round_up(uint64_t value) { return (value + kPageBytes - 1) & ~(kPageBytes - 1); }

uint64_t offset_of(const Segment& segment) { return segment.virtual_address - kFirst; }

uint64_t end_of(const Segment& segment) { return round_up(offset_of(segment) + segment.memory_size); }

Outcome<Done> check_segment(const Segment& segment) {
  const Hex at{segment.virtual_address};
  if (segment.virtual_address < kFirst || !lies_within(offset_of(segment), segment.memory_size, kWindow)) {
    return problem("core: segment at ", at, " lies outside the core's window at ", Hex{kFirst});
  }
  if (segment.virtual_address % kPageBytes != 0) {
    return problem("core: segment at ", at, " does not start on a page");
  }
  if (segment.writable && segment.executable) {
    return problem("core: segment at ", at, " is writable and executable");
  }
  return Done{};
}

Access access_of(const Segment& segment) {
  if (segment.executable) {
    return Access::read_execute;
  }
  return segment.writable ? Access::read_write : Access::read;
}

}  // namespace

Outcome<uint64_t> core_bytes(const ElfImage& core) {
  uint64_t end = 0;
  for (const Segment& segment : core.loads()) {
    const Outcome<Done> checked = check_segment(segment);
    if (!checked.ok()) {
      return checked.why();
    }
    if (offset_of(segment) < end) {
      return problem("core: segment at ", Hex{segment.virtual_address}, " shares a page with the one before");
    }
    end = end_of(segment);
  }
  if (core.entry < kFirst || core.entry >= kFirst + end) {
    return problem("core: entry point ", Hex{core.entry}, " lies outside its segments");
  }
  return end;
}

void place_core(const ElfImage& core, Bytes file, unsigned char* place) {
  uint64_t filled = 0;
  for (const Segment& segment : core.loads()) {
    const uint64_t at = offset_of(segment);
    memset(place + filled, 0, at - filled);
    memcpy(place + at, file.data() + segment.file_offset, segment.file_size);
    filled = end_of(segment);
    memset(place + at + segment.file_size, 0, filled - at - segment.file_size);
  }
}

void map_core(const ElfImage& core, uint64_t place, PageTables& tables) {
  for (const Segment& segment : core.loads()) {
    const uint64_t at = offset_of(segment);
    tables.map_pages(segment.virtual_address, place + at, (end_of(segment) - at) / kPageBytes, access_of(segment));
  }
}

}  // namespace hospes::loader
