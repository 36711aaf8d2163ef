// SPDX-License-Identifier: Apache-2.0
//
// Where each page of core.elf goes and with which rights. Pure: calls no firmware.
#pragma once

#include "elf_image.hpp"
#include "hypervisor/abi/handoff.hpp"
#include "page_tables.hpp"

namespace hospes::loader {

/// The memory the core needs from kCoreVirtualBase + kCoreFirstOffset on: whole pages, the last segment's end included.
/// Errors: a segment outside the core's window, not page aligned, sharing a page with another, or writable and executable.
Outcome<uint64_t> core_bytes(const ElfImage& core);

/// Copies the segments to `place` (core_bytes() long) and zeroes the rest.
void place_core(const ElfImage& core, Bytes file, unsigned char* place);

/// Maps each segment of the core, placed at machine address `place`, with its rights.
void map_core(const ElfImage& core, uint64_t place, PageTables& tables);

}  // namespace hospes::loader
