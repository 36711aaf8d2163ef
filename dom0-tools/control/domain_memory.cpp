// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_memory.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace hospes::control {
namespace {

constexpr unsigned kLargeOrder = 9;
constexpr std::uint64_t kLargePages = 1u << kLargeOrder;

// Fills frames[first...) in extents of one size; returns the first pfn that got none.
Result<std::uint64_t> populate_extents(Privcmd& privcmd, DomId domain, unsigned order, std::uint64_t first,
                                       std::vector<Mfn>& frames) {
    auto const extent = std::uint64_t{1} << order;
    std::vector<std::uint64_t> starts((frames.size() - first) / extent);
    for (std::size_t i = 0; i < starts.size(); ++i) starts[i] = first + i * extent;
    auto const given = HV_TRY(privcmd.populate(domain, order, starts));
    for (std::size_t i = 0; i < given; ++i) {
        for (std::uint64_t page = 0; page < extent; ++page) frames[first + i * extent + page] = Mfn{starts[i] + page};
    }
    return first + given * extent;
}

}  // namespace

Result<DomainMemory> DomainMemory::populate(Privcmd& privcmd, DomId domain, std::uint64_t pages) {
    std::vector<Mfn> frames(pages);
    std::uint64_t done = 0;
    if (pages >= kLargePages) done = HV_TRY(populate_extents(privcmd, domain, kLargeOrder, 0, frames));
    if (done < pages) done = HV_TRY(populate_extents(privcmd, domain, 0, done, frames));
    if (done == pages) return DomainMemory{privcmd, domain, std::move(frames)};
    return fail(ENOMEM, "the hypervisor has given {} MiB of the {} MiB asked for: its memory is used up", done / 256,
                pages / 256);
}

Status DomainMemory::write(std::uint64_t offset, std::span<std::byte const> content, std::uint64_t size) const {
    constexpr std::uint64_t kChunk = 2048 * kPageSize;
    for (std::uint64_t done = 0; done < size;) {
        auto const at = offset + done;
        auto const within_page = at % kPageSize;
        auto const now = std::min(size - done, kChunk - within_page);
        auto const mapping = HV_TRY(map({Pfn{at / kPageSize}, (within_page + now + kPageSize - 1) / kPageSize}));
        auto const target = mapping.bytes().subspan(within_page, now);
        auto const to_copy = std::min<std::uint64_t>(now, content.size() - std::min<std::uint64_t>(done, content.size()));
        if (to_copy > 0) std::memcpy(target.data(), content.data() + done, to_copy);
        if (to_copy < now) std::memset(target.data() + to_copy, 0, now - to_copy);
        done += now;
    }
    return {};
}

}  // namespace hospes::control
