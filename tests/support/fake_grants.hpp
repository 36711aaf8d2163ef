// SPDX-License-Identifier: Apache-2.0
// Granted pages without a hypervisor. Every map and unmap is counted, so that a test can demand that nothing is left; what is
// mapped for reading cannot be written, and what is unmapped is gone.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/ports/grant.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

namespace hospes::test {

// Memory that can be mapped in several places: the domains' pages.
class FakeMemory {
public:
    class Page {
    public:
        Page(int fd, off_t offset) : fd_{fd}, offset_{offset}, bytes_{map_at(nullptr, PROT_READ | PROT_WRITE)} {}
        Page(Page const&) = delete;
        Page& operator=(Page const&) = delete;
        ~Page() { ::munmap(bytes_, 4096); }

        std::byte* bytes() const { return bytes_; }

        // Shows it in one more place; nullptr: anywhere.
        std::byte* map_at(std::byte* place, int protection) const {
            auto* const memory = ::mmap(place, 4096, protection, MAP_SHARED | (place == nullptr ? 0 : MAP_FIXED), fd_, offset_);
            if (memory == MAP_FAILED) std::abort();
            return static_cast<std::byte*>(memory);
        }

    private:
        int fd_;
        off_t offset_;
        std::byte* bytes_;
    };

    std::shared_ptr<Page> make_page() {
        if (::ftruncate(fd_.get(), size_ + 4096) != 0) std::abort();
        return std::make_shared<Page>(fd_.get(), std::exchange(size_, size_ + 4096));
    }

private:
    UniqueFd fd_{::memfd_create("domains", MFD_CLOEXEC)};
    off_t size_ = 0;
};

class FakeGrants final : public GrantDevice {
public:
    int copy_calls = 0;

    // A page of `domain` under `ref`; it may be read and, unless `read_only`, written by us.
    std::byte* grant(DomId domain, GrantRef ref, bool read_only = false) {
        auto& entry = entries_[{domain, ref}];
        entry = {.page = memory_.make_page(), .read_only = read_only};
        return entry.page->bytes();
    }
    // What is mapped stays so, as in the hypervisor.
    void revoke(DomId domain, GrantRef ref) { entries_.erase({domain, ref}); }
    std::byte* page(DomId domain, GrantRef ref) { return entries_.at({domain, ref}).page->bytes(); }

    std::size_t mapped_pages() const { return mapped_pages_; }

    Status copy(std::span<GrantCopy> pieces) override {
        ++copy_calls;
        for (auto& piece : pieces) piece.status = copy_one(piece);
        return {};
    }

    Result<std::span<std::byte>> copy_memory(std::size_t page_count) override {
        if (copy_memory_) return fail(EBUSY, "memory for copies is given once");
        copy_memory_.reset(static_cast<std::byte*>(std::aligned_alloc(4096, page_count * 4096)));
        return std::span{copy_memory_.get(), page_count * 4096};
    }

private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };

    using Page = std::shared_ptr<FakeMemory::Page>;
    struct Entry {
        Page page;
        bool read_only = false;
    };

    static constexpr std::int16_t kBadRef = -3;
    static constexpr std::int16_t kBadCopyArgument = -10;

    std::int16_t copy_one(GrantCopy const& piece) {
        auto const found = entries_.find({piece.domain, piece.ref});
        if (found == entries_.end()) return kBadRef;
        if (piece.offset + piece.size > 4096) return kBadCopyArgument;
        auto* const foreign = found->second.page->bytes() + piece.offset;
        if (piece.direction == GrantCopy::Direction::from_domain) {
            std::memcpy(piece.local, foreign, piece.size);
        } else {
            if (found->second.read_only) return kBadRef;
            std::memcpy(foreign, piece.local, piece.size);
        }
        return 0;
    }

    Result<std::pair<std::byte*, std::uint64_t>> do_map(DomId domain, std::span<GrantRef const> refs, Access access) override {
        std::vector<Page> pages;
        for (auto const ref : refs) {
            auto const found = entries_.find({domain, ref});
            if (found == entries_.end()) return fail(EINVAL, "reference {} of domain {} is not granted", ref.raw(), domain.raw());
            if (access == Access::read_write && found->second.read_only) return fail(EINVAL, "reference {} is read-only", ref.raw());
            pages.push_back(found->second.page);
        }
        auto* const area = ::mmap(nullptr, pages.size() * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED) std::abort();
        auto* const memory = static_cast<std::byte*>(area);
        int const protection = access == Access::read_write ? PROT_READ | PROT_WRITE : PROT_READ;
        for (std::size_t i = 0; i < pages.size(); ++i) pages[i]->map_at(memory + i * 4096, protection);
        mapped_pages_ += pages.size();
        auto const index = next_index_++;
        held_[index] = std::move(pages);
        return std::pair{memory, index};
    }

    void do_unmap(std::byte* memory, std::size_t page_count, std::uint64_t index) override {
        if (held_.erase(index) != 1) std::abort();
        mapped_pages_ -= page_count;
        ::munmap(memory, page_count * 4096);
    }

    FakeMemory memory_;
    std::unique_ptr<std::byte[], Free> copy_memory_;
    std::map<std::pair<DomId, GrantRef>, Entry> entries_;
    std::map<std::uint64_t, std::vector<Page>> held_;
    std::size_t mapped_pages_ = 0;
    std::uint64_t next_index_ = 1;
};

}  // namespace hospes::test
