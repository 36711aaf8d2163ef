// SPDX-License-Identifier: Apache-2.0
// Granted pages without a hypervisor. Every map and unmap is counted, so that a test can demand that nothing is left.
#pragma once

#include "dom0-tools/ports/grant.hpp"

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace hospes::test {

struct alignas(4096) FakePage {
    std::array<std::byte, 4096> bytes{};
};

class FakeGrants final : public GrantDevice {
public:
    // A page of `domain` under `ref`; it may be read and, unless `read_only`, written by us.
    std::byte* grant(DomId domain, GrantRef ref, bool read_only = false) {
        auto& entry = entries_[{domain, ref}];
        entry = {.page = std::make_shared<FakePage>(), .read_only = read_only};
        return entry.page->bytes.data();
    }
    void revoke(DomId domain, GrantRef ref) { entries_.erase({domain, ref}); }
    std::byte* page(DomId domain, GrantRef ref) { return entries_.at({domain, ref}).page->bytes.data(); }

    std::size_t mapped_pages() const { return mapped_pages_; }

    // A map of one page shows the granter's own page; a larger one is refused unless the pages are adjacent by construction,
    // so the fake keeps a joined area for it and grant() must come before: see grant_area().
    std::byte* grant_area(DomId domain, GrantRef first, std::size_t count) {
        auto area = std::shared_ptr<FakePage[]>{new FakePage[count]};
        for (std::size_t i = 0; i < count; ++i)
            entries_[{domain, GrantRef{first.raw() + static_cast<std::uint32_t>(i)}}] = {.page = {area, &area[i]}, .read_only = false};
        return area[0].bytes.data();
    }

    Status copy(std::span<GrantCopy> pieces) override {
        for (auto& piece : pieces) piece.status = copy_one(piece);
        return {};
    }

private:
    struct Entry {
        std::shared_ptr<FakePage> page;
        bool read_only = false;
    };

    static constexpr std::int16_t kBadRef = -3;
    static constexpr std::int16_t kBadCopyArgument = -10;

    std::int16_t copy_one(GrantCopy const& piece) {
        auto const found = entries_.find({piece.domain, piece.ref});
        if (found == entries_.end()) return kBadRef;
        if (piece.offset + piece.size > 4096) return kBadCopyArgument;
        auto* const foreign = found->second.page->bytes.data() + piece.offset;
        if (piece.direction == GrantCopy::Direction::from_domain) {
            std::memcpy(piece.local, foreign, piece.size);
        } else {
            if (found->second.read_only) return kBadRef;
            std::memcpy(foreign, piece.local, piece.size);
        }
        return 0;
    }

    Result<std::pair<std::byte*, std::uint64_t>> do_map(DomId domain, std::span<GrantRef const> refs, Access access) override {
        std::vector<std::shared_ptr<FakePage>> pages;
        for (std::size_t i = 0; i < refs.size(); ++i) {
            auto const found = entries_.find({domain, refs[i]});
            if (found == entries_.end()) return fail(EINVAL, "reference {} of domain {} is not granted", refs[i].raw(), domain.raw());
            if (access == Access::read_write && found->second.read_only) return fail(EINVAL, "reference {} is read-only", refs[i].raw());
            if (i > 0 && found->second.page.get() != pages[0].get() + i) return fail(ENOTSUP, "the fake maps adjacent pages only");
            pages.push_back(found->second.page);
        }
        mapped_pages_ += refs.size();
        auto* const memory = pages[0]->bytes.data();
        auto const index = next_index_++;
        held_[index] = std::move(pages);
        return std::pair{memory, index};
    }

    void do_unmap(std::byte*, std::size_t page_count, std::uint64_t index) override {
        mapped_pages_ -= page_count;
        held_.erase(index);
    }

    std::map<std::pair<DomId, GrantRef>, Entry> entries_;
    std::map<std::uint64_t, std::vector<std::shared_ptr<FakePage>>> held_;
    std::size_t mapped_pages_ = 0;
    std::uint64_t next_index_ = 1;
};

}  // namespace hospes::test
