// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/block_request.hpp"

#include <cstring>

namespace hospes::wire {
namespace {

static_assert(sizeof(blkif_request_t) == 112 && offsetof(blkif_request_t, seg) == 24);
static_assert(sizeof(blkif_request_indirect_t) <= sizeof(blkif_request_t) && offsetof(blkif_request_indirect_t, indirect_grefs) == 28);
static_assert(offsetof(blkif_request_indirect_t, id) == offsetof(blkif_request_t, id));
static_assert(offsetof(blkif_request_discard_t, id) == offsetof(blkif_request_t, id));
static_assert(sizeof(blkif_response_t) == 16);

constexpr std::uint8_t kSectorsPerPage = 8;

std::optional<BlockSegment> decode_segment(blkif_request_segment const& raw) {
    if (raw.first_sect > raw.last_sect || raw.last_sect >= kSectorsPerPage) return std::nullopt;
    return BlockSegment{.ref = GrantRef{raw.gref}, .first_sector = raw.first_sect, .last_sector = raw.last_sect};
}

BlockOperation data_operation(std::uint8_t wire_operation) {
    switch (wire_operation) {
        case BLKIF_OP_READ: return BlockOperation::read;
        case BLKIF_OP_WRITE: return BlockOperation::write;
        case BLKIF_OP_WRITE_BARRIER: return BlockOperation::write_barrier;
        case BLKIF_OP_FLUSH_DISKCACHE: return BlockOperation::flush;
        default: return BlockOperation::unsupported;
    }
}

template <typename T>
T view_as(blkif_request_t const& copy) {
    T view;
    std::memcpy(&view, &copy, sizeof view);
    return view;
}

void decode_direct(blkif_request_t const& copy, BlockRequest& request) {
    auto const operation = data_operation(copy.operation);
    request.sector = copy.sector_number;
    // Only a flush may come without data.
    bool const may_be_empty = operation == BlockOperation::flush || operation == BlockOperation::write_barrier || operation == BlockOperation::unsupported;
    if (copy.nr_segments > request.segments.size() || (copy.nr_segments == 0 && !may_be_empty)) return;
    for (std::uint8_t i = 0; i < copy.nr_segments; ++i) {
        auto const segment = decode_segment(copy.seg[i]);
        if (!segment) return;
        request.segments[i] = *segment;
    }
    request.segment_count = copy.nr_segments;
    request.operation = operation;
}

void decode_indirect(blkif_request_t const& copy, std::uint16_t max_indirect, BlockRequest& request) {
    auto const indirect = view_as<blkif_request_indirect_t>(copy);
    request.sector = indirect.sector_number;
    request.wire_operation = indirect.indirect_op;  // Linux's frontend takes nothing else in the response
    auto const operation = data_operation(indirect.indirect_op);
    if (operation != BlockOperation::read && operation != BlockOperation::write) return;
    if (indirect.nr_segments == 0 || indirect.nr_segments > max_indirect) return;
    if (indirect.nr_segments > kSegmentsPerIndirectPage * request.indirect_refs.size()) return;
    for (std::size_t i = 0; i < request.indirect_refs.size(); ++i) request.indirect_refs[i] = GrantRef{indirect.indirect_grefs[i]};
    request.is_indirect = true;
    request.segment_count = indirect.nr_segments;
    request.operation = operation;
}

void decode_discard(blkif_request_t const& copy, BlockRequest& request) {
    auto const discard = view_as<blkif_request_discard_t>(copy);
    request.sector = discard.sector_number;
    request.discard_sectors = discard.nr_sectors;
    request.operation = BlockOperation::discard;
}

}  // namespace

BlockRequest decode_block_request(blkif_request_t const& copy, std::uint16_t max_indirect) {
    BlockRequest request;
    request.wire_operation = copy.operation;
    request.id = copy.id;
    switch (copy.operation) {
        case BLKIF_OP_INDIRECT: decode_indirect(copy, max_indirect, request); break;
        case BLKIF_OP_DISCARD: decode_discard(copy, request); break;
        default: decode_direct(copy, request); break;
    }
    return request;
}

bool decode_indirect_segments(std::span<std::byte const> copy, std::span<BlockSegment> segments) {
    if (copy.size() < segments.size() * sizeof(blkif_request_segment)) return false;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        blkif_request_segment raw;
        std::memcpy(&raw, copy.data() + i * sizeof raw, sizeof raw);
        auto const segment = decode_segment(raw);
        if (!segment) return false;
        segments[i] = *segment;
    }
    return true;
}

std::uint64_t total_sectors(std::span<BlockSegment const> segments) {
    std::uint64_t total = 0;
    for (auto const& segment : segments) total += segment.sectors();
    return total;
}

bool is_on_disk(std::uint64_t sector, std::uint64_t count, std::uint64_t capacity, std::uint64_t block_sectors) {
    if (sector > capacity || count > capacity - sector) return false;
    return sector % block_sectors == 0 && count % block_sectors == 0;
}

}  // namespace hospes::wire
