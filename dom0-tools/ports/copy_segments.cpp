// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/copy_segments.hpp"

#include <algorithm>

namespace hospes {

void CopySegments::assign(std::span<GrantCopy const> pieces, GrantedMemory const& own) {
    segments_.clear();
    for (auto const& piece : pieces) add(piece, own);
}

void CopySegments::add(GrantCopy const& piece, GrantedMemory const& own) {
    bool const is_incoming = piece.direction == GrantCopy::Direction::from_domain;
    std::uint16_t done = 0;
    do {
        auto& segment = segments_.emplace_back();
        auto& foreign = is_incoming ? segment.source : segment.dest;
        auto& local = is_incoming ? segment.dest : segment.source;
        foreign.foreign.ref = piece.ref.raw();
        foreign.foreign.offset = static_cast<std::uint16_t>(piece.offset + done);
        foreign.foreign.domid = piece.domain.raw();
        segment.len = static_cast<std::uint16_t>(piece.size - done);
        segment.flags = is_incoming ? GNTCOPY_source_gref : GNTCOPY_dest_gref;
        if (auto const place = own.find(piece.local + done)) {
            local.foreign.ref = place->ref.raw();
            local.foreign.offset = place->offset;
            local.foreign.domid = kDomIdSelf.raw();
            segment.len = std::min(segment.len, static_cast<std::uint16_t>(4096 - place->offset));
            segment.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
        } else {
            local.virt = piece.local + done;
        }
        done = static_cast<std::uint16_t>(done + segment.len);
    } while (done < piece.size);
}

void CopySegments::tell(std::span<GrantCopy> pieces) const {
    auto segment = segments_.begin();
    for (auto& piece : pieces) {
        piece.status = GNTST_okay;
        std::uint16_t done = 0;
        do {
            if (piece.status == GNTST_okay) piece.status = segment->status;
            done = static_cast<std::uint16_t>(done + segment->len);
            ++segment;
        } while (done < piece.size);
    }
}

}  // namespace hospes
