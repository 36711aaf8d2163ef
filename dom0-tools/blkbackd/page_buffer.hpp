// SPDX-License-Identifier: Apache-2.0
// Page-aligned memory for data on its way between a disk and a domain. A buffer goes back to its pool by itself.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace hospes::blkbackd {

class BufferPool {
public:
    // Most requests are this small (the default limit of Linux's frontend).
    static constexpr std::size_t kUsualSize = std::size_t{128} << 10;
    static constexpr std::size_t kPages = 16 * kUsualSize / 4096;

    struct GiveBack {
        BufferPool* pool = nullptr;
        void operator()(std::byte* memory) const { pool->give_back(memory); }
    };
    using Buffer = std::unique_ptr<std::byte[], GiveBack>;

    // `memory`: whole pages, for buffers of the usual size; what is larger, or finds none left, is allocated as it comes.
    explicit BufferPool(std::span<std::byte> memory) : memory_{memory} {
        for (std::size_t at = 0; at + kUsualSize <= memory.size(); at += kUsualSize) free_.push_back(memory.data() + at);
    }
    BufferPool(BufferPool const&) = delete;
    BufferPool& operator=(BufferPool const&) = delete;

    // At least `size` bytes, which must not outlive the pool; not cleared: the caller writes all that it shows to anybody.
    Buffer take(std::size_t size) {
        if (size <= kUsualSize && !free_.empty()) {
            auto* const memory = free_.back();
            free_.pop_back();
            return Buffer{memory, {this}};
        }
        auto* const memory = static_cast<std::byte*>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096));
        if (memory == nullptr) throw std::bad_alloc{};
        return Buffer{memory, {this}};
    }

private:
    void give_back(std::byte* memory) {
        bool const is_allocated = std::less{}(memory, memory_.data()) || !std::less{}(memory, memory_.data() + memory_.size());
        if (is_allocated) std::free(memory);
        else free_.push_back(memory);
    }

    std::span<std::byte> memory_;
    std::vector<std::byte*> free_;
};

}  // namespace hospes::blkbackd
