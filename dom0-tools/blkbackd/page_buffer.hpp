// SPDX-License-Identifier: Apache-2.0
// Page-aligned memory for data on its way between a disk and a domain. A buffer goes back to its pool by itself.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace hospes::blkbackd {

class BufferPool {
public:
    // A buffer lies in one row of pages. A row holds the largest of usual requests (the default limit of Linux's frontend).
    static constexpr std::size_t kRowPages = 32;
    static constexpr std::size_t kRowSize = kRowPages * 4096;
    static constexpr std::size_t kPages = 16 * kRowPages;

    struct GiveBack {
        BufferPool* pool = nullptr;
        std::size_t page_count = 0;
        bool is_allocated = false;
        void operator()(std::byte* memory) const {
            pool->pages_in_use_ -= page_count;
            if (is_allocated) std::free(memory);
            else pool->give_back(memory, static_cast<std::uint32_t>(page_count));
        }
    };
    using Buffer = std::unique_ptr<std::byte[], GiveBack>;

    // `memory`: whole rows. What is larger than a row, or finds no room, is allocated as it comes.
    explicit BufferPool(std::span<std::byte> memory) : memory_{memory}, free_(memory.size() / kRowSize, ~std::uint32_t{0}) {}
    BufferPool(BufferPool const&) = delete;
    BufferPool& operator=(BufferPool const&) = delete;

    // At least `size` bytes, which must not outlive the pool; not cleared: the caller writes all that it shows to anybody.
    Buffer take(std::size_t size) {
        auto const page_count = std::max<std::size_t>((size + 4095) / 4096, 1);
        if (page_count <= kRowPages) {
            for (std::size_t row = 0; row < free_.size(); ++row) {
                auto const starts = starts_of_runs(free_[row], static_cast<std::uint32_t>(page_count));
                if (starts != 0) return take_from(row, std::countr_zero(starts), static_cast<std::uint32_t>(page_count));
            }
        }
        auto* const memory = static_cast<std::byte*>(std::aligned_alloc(4096, page_count * 4096));
        if (memory == nullptr) throw std::bad_alloc{};
        return hand_out(memory, page_count, true);
    }

    // What is taken and not given back, allocated or not.
    std::size_t bytes_in_use() const { return pages_in_use_ * 4096; }

private:
    // The bits of `free` with which `length` set ones begin.
    static std::uint32_t starts_of_runs(std::uint32_t free, std::uint32_t length) {
        for (std::uint32_t known = 1; known < length;) {
            auto const step = std::min(known, length - known);
            free &= free >> step;
            known += step;
        }
        return free;
    }
    static std::uint32_t bits(int first, std::uint32_t count) { return (~std::uint32_t{0} >> (kRowPages - count)) << first; }

    Buffer take_from(std::size_t row, int page, std::uint32_t page_count) {
        free_[row] &= ~bits(page, page_count);
        return hand_out(memory_.data() + row * kRowSize + static_cast<std::size_t>(page) * 4096, page_count, false);
    }
    Buffer hand_out(std::byte* memory, std::size_t page_count, bool is_allocated) {
        pages_in_use_ += page_count;
        return Buffer{memory, {this, page_count, is_allocated}};
    }
    void give_back(std::byte const* memory, std::uint32_t page_count) {
        auto const page = static_cast<std::size_t>(memory - memory_.data()) / 4096;
        free_[page / kRowPages] |= bits(static_cast<int>(page % kRowPages), page_count);
    }

    std::span<std::byte> memory_;
    std::vector<std::uint32_t> free_;  // one bit a page
    std::size_t pages_in_use_ = 0;
};

}  // namespace hospes::blkbackd
