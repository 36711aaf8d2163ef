// SPDX-License-Identifier: Apache-2.0
// Room for one batch of frames, used by one connection after the other. A frame lies in pages of its own.
#pragma once

#include <cstddef>
#include <span>

namespace hospes::netbackd {

class FrameStore {
public:
    static constexpr std::size_t kPages = 256;
    static constexpr std::size_t kPagesOfLargest = 18;  // 64 KiB, an Ethernet header, and what is left free before it

    // `memory`: kPages whole pages.
    explicit FrameStore(std::span<std::byte> memory) : memory_{memory} {}

    void clear() { used_ = 0; }
    bool has_room() const { return used_ + kPagesOfLargest <= kPages; }
    // Where the next frame may be put; keep() makes `size` bytes of it stay, from `offset` on.
    std::span<std::byte> next() { return memory_.subspan(used_ * 4096, kPagesOfLargest * 4096); }
    std::span<std::byte> keep(std::size_t size, std::size_t offset = 0) {
        auto const frame = next().subspan(offset, size);
        used_ += (offset + size + 4095) / 4096;
        return frame;
    }

private:
    std::span<std::byte> memory_;
    std::size_t used_ = 0;
};

}  // namespace hospes::netbackd
