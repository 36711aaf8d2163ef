// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/byte_queue.hpp"

namespace hospes::consoled {

void ByteQueue::push(std::span<std::byte const> bytes) {
    if (bytes.size() > limit_) {
        dropped_ += bytes.size() - limit_;
        bytes = bytes.last(limit_);
    }
    if (bytes.size() > room()) {
        auto const excess = bytes.size() - room();
        dropped_ += excess;
        start_ += excess;
    }
    compact();
    data_.insert(data_.end(), bytes.begin(), bytes.end());
}

void ByteQueue::pop(std::size_t count) {
    start_ += count;
    compact();
}

// Moves the content down once a quarter of the limit lies unused: seldom enough to be cheap, often enough to bound the memory.
void ByteQueue::compact() {
    if (start_ != data_.size() && start_ <= limit_ / 4) return;
    data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(start_));
    start_ = 0;
    if (data_.empty()) data_.shrink_to_fit();
}

}  // namespace hospes::consoled
