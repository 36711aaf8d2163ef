// SPDX-License-Identifier: Apache-2.0
// Reads and writes that do not block: io_uring. One engine serves all disks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace hospes {
class CompletionRing;
}

namespace hospes::blkbackd {

// Operations are collected: the kernel gets them at the end of the loop's turn.
class IoEngine {
public:
    // Called from the loop, never from within the call that starts the operation: 0 or a positive errno value.
    // What it captures lives until then, or until the engine is gone, whose destructor waits for what is under way; memory and descriptor must.
    using Done = std::function<void(int error)>;

    virtual ~IoEngine() = default;

    // All of `memory` is transferred, or it is an error (EIO at the end of a file).
    virtual void read(int fd, std::span<std::byte> memory, std::uint64_t offset, Done done) = 0;
    virtual void write(int fd, std::span<std::byte const> memory, std::uint64_t offset, Done done) = 0;
    // What was written is on stable storage after this.
    virtual void sync(int fd, Done done) = 0;
    // The range reads as zeros after this and takes no room.
    virtual void discard(int fd, std::uint64_t offset, std::uint64_t size, Done done) = 0;
};

// `ring` must outlive it.
std::unique_ptr<IoEngine> make_uring_engine(CompletionRing& ring);

}  // namespace hospes::blkbackd
