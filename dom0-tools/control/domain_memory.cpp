// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_memory.hpp"

#include "dom0-tools/control/byte_reader.hpp"

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

Status DomainMemory::copy(std::uint64_t offset, std::span<std::byte const> content) const {
    if (content.empty()) return {};
    auto const within_page = offset % kPageSize;
    auto const mapping = HV_TRY(map({Pfn{offset / kPageSize}, (within_page + content.size() + kPageSize - 1) / kPageSize}));
    std::memcpy(mapping.bytes().data() + within_page, content.data(), content.size());
    return {};
}

Status DomainMemory::write(std::uint64_t offset, std::span<std::byte const> content) const {
    constexpr std::size_t kAtOnce = 2048 * kPageSize;
    std::size_t start = 0;  // of what waits to be copied
    for (std::size_t at = 0; at < content.size();) {
        auto const in_page = content.subspan(at, std::min<std::size_t>(content.size() - at, kPageSize - (offset + at) % kPageSize));
        auto const next = at + in_page.size();
        bool const is_skipped = is_zero(in_page);
        if (is_skipped || next - start >= kAtOnce) {
            HV_TRY(copy(offset + start, content.subspan(start, (is_skipped ? at : next) - start)));
            start = next;
        }
        at = next;
    }
    return copy(offset + start, content.subspan(start));
}

}  // namespace hospes::control
