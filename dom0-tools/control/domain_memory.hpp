// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/pv_layout.hpp"
#include "dom0-tools/ports/privcmd.hpp"

#include <vector>

namespace hospes::control {

/// The frames of a domain under construction, by pfn, and the way to write into them.
class DomainMemory {
public:
    /// Gives `domain` `pages` frames, in 2 MiB extents as far as there are such. ENOMEM: how far the memory went.
    static Result<DomainMemory> populate(Privcmd& privcmd, DomId domain, std::uint64_t pages);

    Mfn mfn_of(Pfn pfn) const { return frames_[pfn.raw()]; }
    std::span<Mfn const> frames() const { return frames_; }
    std::span<Mfn const> frames(FrameRange range) const {
        return std::span{frames_}.subspan(range.first.raw(), range.count);
    }

    /// Maps the pages of `range`, one after the other.
    Result<ForeignMapping> map(FrameRange range) const { return privcmd_->map_foreign(domain_, frames(range)); }
    /// Writes `content` from guest-physical byte `offset` on, into pages that nobody has written to yet: the hypervisor wipes
    /// frames before it gives them (XENMEM_populate_physmap), so pages of zeroes, nearly half of a kernel, are left alone.
    Status write(std::uint64_t offset, std::span<std::byte const> content) const;

private:
    DomainMemory(Privcmd& privcmd, DomId domain, std::vector<Mfn> frames)
        : privcmd_{&privcmd}, domain_{domain}, frames_{std::move(frames)} {}
    Status copy(std::uint64_t offset, std::span<std::byte const> content) const;

    Privcmd* privcmd_;
    DomId domain_;
    std::vector<Mfn> frames_;
};

}  // namespace hospes::control
