// SPDX-License-Identifier: Apache-2.0
// Bytes in order, at most so many: what is too much is dropped at the old end, and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace hospes::consoled {

class ByteQueue {
public:
    explicit ByteQueue(std::size_t limit) : limit_{limit} {}

    void push(std::span<std::byte const> bytes);
    // All that is held, oldest first; valid until the next push or pop.
    std::span<std::byte const> content() const { return std::span{data_}.subspan(start_); }
    void pop(std::size_t count);
    bool is_empty() const { return start_ == data_.size(); }
    std::size_t size() const { return data_.size() - start_; }
    std::size_t room() const { return limit_ - size(); }

    // How many bytes were dropped since this was asked last.
    std::uint64_t take_dropped() { return std::exchange(dropped_, 0); }

private:
    void compact();

    std::size_t limit_;
    std::vector<std::byte> data_;
    std::size_t start_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace hospes::consoled
