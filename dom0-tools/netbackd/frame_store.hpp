// SPDX-License-Identifier: Apache-2.0
// Room for one batch of frames, used by one connection after the other: each frame starts a page, so that a piece of a
// granted page never crosses two of ours.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hospes::netbackd {

class FrameStore {
public:
    static constexpr std::size_t kPages = 256;
    static constexpr std::size_t kPagesOfLargest = 17;  // 64 KiB and an Ethernet header

    FrameStore() : pages_(kPages) {}

    void clear() { used_ = 0; }
    bool has_room() const { return used_ + kPagesOfLargest <= kPages; }
    // Where the next frame may be put; keep() makes `size` bytes of it stay.
    std::span<std::byte> next() { return {pages_[used_].bytes, kPagesOfLargest * 4096}; }
    std::span<std::byte> keep(std::size_t size) {
        auto const frame = next().first(size);
        used_ += (size + 4095) / 4096;
        return frame;
    }

private:
    struct alignas(4096) Page {
        std::byte bytes[4096];
    };
    std::vector<Page> pages_;
    std::size_t used_ = 0;
};

}  // namespace hospes::netbackd
