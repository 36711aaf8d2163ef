// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/copy_segments.hpp"

#include <algorithm>

namespace hospes {
namespace {

using Segment = ioctl_gntdev_grant_copy_segment;

// `size` bytes of a piece from `done` on, which end in the page of `own` in which they begin.
void fill(Segment& segment, GrantCopy const& piece, std::uint16_t done, std::uint16_t size,
          std::optional<GrantedMemory::Place> const& own) {
    bool const is_incoming = piece.direction == GrantCopy::Direction::from_domain;
    auto& foreign = is_incoming ? segment.source : segment.dest;
    auto& local = is_incoming ? segment.dest : segment.source;
    foreign.foreign = {.ref = piece.ref.raw(), .offset = static_cast<std::uint16_t>(piece.offset + done), .domid = piece.domain.raw()};
    if (own) {
        local.foreign = {.ref = own->ref.raw(), .offset = own->offset, .domid = kDomIdSelf.raw()};
        segment.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    } else {
        local.virt = piece.local + done;
        segment.flags = is_incoming ? GNTCOPY_source_gref : GNTCOPY_dest_gref;
    }
    segment.len = size;
    segment.status = GNTST_okay;  // not what the last copy left here
}

}  // namespace

void CopySegments::assign(std::span<GrantCopy const> pieces, GrantedMemory const& own) {
    if (room_.size() < 2 * pieces.size()) room_.resize(2 * pieces.size());  // a piece is no longer than a page
    auto* segment = room_.data();
    for (auto const& piece : pieces) {
        auto const place = own.find(piece.local);
        auto const first = place ? std::min(piece.size, static_cast<std::uint16_t>(4096 - place->offset)) : piece.size;
        fill(*segment++, piece, 0, first, place);
        if (first == piece.size) continue;
        fill(*segment++, piece, first, static_cast<std::uint16_t>(piece.size - first), own.find(piece.local + first));
    }
    count_ = static_cast<std::size_t>(segment - room_.data());
}

void CopySegments::tell(std::span<GrantCopy> pieces) const {
    auto const* segment = room_.data();
    for (auto& piece : pieces) {
        piece.status = segment->status;
        bool const is_split = segment->len < piece.size;
        ++segment;
        if (!is_split) continue;
        if (piece.status == GNTST_okay) piece.status = segment->status;
        ++segment;
    }
}

}  // namespace hospes
