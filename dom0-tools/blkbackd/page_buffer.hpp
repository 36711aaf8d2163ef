// SPDX-License-Identifier: Apache-2.0
// Page-aligned memory for data on its way between a disk and a domain. Buffers come back to their pool, which keeps a few.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace hospes::blkbackd {

class BufferPool {
public:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    using Buffer = std::unique_ptr<std::byte[], Free>;

    // Most requests are this small (the default limit of Linux's frontend); larger ones are allocated as they come.
    static constexpr std::size_t kUsualSize = std::size_t{128} << 10;
    static constexpr std::size_t kKept = 32;

    // At least `size` bytes; not cleared: the caller writes all that it shows to anybody.
    Buffer take(std::size_t size) {
        if (size <= kUsualSize && !free_.empty()) {
            auto buffer = std::move(free_.back());
            free_.pop_back();
            return buffer;
        }
        auto const rounded = size <= kUsualSize ? kUsualSize : (size + 4095) / 4096 * 4096;
        auto* const memory = static_cast<std::byte*>(std::aligned_alloc(4096, rounded));
        if (memory == nullptr) throw std::bad_alloc{};
        return Buffer{memory};
    }

    void give_back(Buffer buffer, std::size_t size) {
        if (size <= kUsualSize && free_.size() < kKept) free_.push_back(std::move(buffer));
    }

private:
    std::vector<Buffer> free_;
};

}  // namespace hospes::blkbackd
