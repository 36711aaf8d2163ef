// SPDX-License-Identifier: Apache-2.0
// What a block frontend asks for (xen/io/blkif.h, x86_64 layout), decoded from a private copy of the ring slot and checked.
#pragma once

#include "dom0-tools/wire/xen_io.hpp"
#include "hypervisor/base/strong.hpp"

#include <array>
#include <optional>
#include <span>

namespace hospes::wire {

// Part of a granted page, in units of 512 bytes: first and last are included.
struct BlockSegment {
    GrantRef ref;
    std::uint8_t first_sector = 0;
    std::uint8_t last_sector = 0;

    std::uint32_t sectors() const { return static_cast<std::uint32_t>(last_sector - first_sector) + 1; }
};

enum class BlockOperation : std::uint8_t {
    read,
    write,
    write_barrier,
    flush,
    discard,
    unsupported,  // an operation that we do not know: answered with BLKIF_RSP_EOPNOTSUPP
    malformed,    // answered with BLKIF_RSP_ERROR
};

struct BlockRequest {
    std::uint64_t id = 0;
    std::uint8_t wire_operation = 0;  // what the response repeats
    BlockOperation operation = BlockOperation::malformed;
    std::uint64_t sector = 0;         // of 512 bytes
    std::uint64_t discard_sectors = 0;
    std::uint16_t segment_count = 0;
    bool is_indirect = false;         // the segments lie in the pages `indirect_refs`, else in `segments`
    std::array<BlockSegment, BLKIF_MAX_SEGMENTS_PER_REQUEST> segments{};
    std::array<GrantRef, BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST> indirect_refs{};
};

inline constexpr std::uint16_t kSegmentsPerIndirectPage = 4096 / sizeof(blkif_request_segment);
static_assert(kSegmentsPerIndirectPage == 512);

// Decodes a private copy of a slot. `max_indirect` is the limit that the backend has announced.
// Whatever the frontend wrote, segment_count and the segments of the result are within their bounds.
BlockRequest decode_block_request(blkif_request_t const& copy, std::uint16_t max_indirect);

// Decodes segments from a private copy of one page of an indirect request; false if one is malformed.
bool decode_indirect_segments(std::span<std::byte const> copy, std::span<BlockSegment> segments);

// The number of 512-byte sectors that the segments cover together.
std::uint64_t total_sectors(std::span<BlockSegment const> segments);

// Whether [sector, sector + count) lies on a disk of `capacity` sectors and keeps to blocks of `block_sectors` sectors.
bool is_on_disk(std::uint64_t sector, std::uint64_t count, std::uint64_t capacity, std::uint64_t block_sectors);

}  // namespace hospes::wire
