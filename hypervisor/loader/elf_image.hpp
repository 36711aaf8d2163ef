// SPDX-License-Identifier: Apache-2.0
//
// The few things the loader asks of an ELF64 file (System V ABI, "Object Files"; x86-64 psABI).
#pragma once

#include "bytes.hpp"
#include "outcome.hpp"

namespace hospes::loader {

/// One PT_LOAD.
struct Segment {
  uint64_t file_offset;
  uint64_t file_size;
  uint64_t virtual_address;
  uint64_t memory_size;
  bool readable;
  bool writable;
  bool executable;
};

/// An ELF image whose headers were checked. `segments` are its PT_LOADs in file order.
struct ElfImage {
  static constexpr size_t kMaxSegments = 16;

  uint64_t entry = 0;
  size_t segment_count = 0;
  Segment segments[kMaxSegments] = {};

  [[nodiscard]] std::span<const Segment> loads() const { return {segments, segment_count}; }
};

/// Reads the headers of an executable for x86-64.
/// `name` is how messages call it. Errors: not ELF, another class, machine or type, program headers or a PT_LOAD outside
/// the file, a PT_LOAD larger in the file than in memory, none at all or more than kMaxSegments.
Outcome<ElfImage> read_elf(std::string_view name, Bytes file);

}  // namespace hospes::loader
