// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/completion_ring.hpp"
#include "dom0-tools/base/liburing.hpp"
#include "dom0-tools/blkbackd/io_engine.hpp"

#include <fcntl.h>
#include <linux/falloc.h>

namespace hospes::blkbackd {
namespace {

enum class Kind : std::uint8_t { read, write, sync, discard };

class DiskOperation final : public RingOperation {
public:
    struct What {
        Kind kind;
        int fd;
        std::byte* memory;  // of a transfer
        std::uint64_t size;
        std::uint64_t offset;
    };

    DiskOperation(RingOperations& operations, What what, IoEngine::Done done) : operations_{operations}, what_{std::move(what)}, done_{std::move(done)} {}

    void prepare(io_uring_sqe& entry) override {
        auto const size = static_cast<unsigned>(what_.size);
        switch (what_.kind) {
            case Kind::read: return io_uring_prep_read(&entry, what_.fd, what_.memory, size, what_.offset);
            case Kind::write: return io_uring_prep_write(&entry, what_.fd, what_.memory, size, what_.offset);
            case Kind::sync: return io_uring_prep_fsync(&entry, what_.fd, IORING_FSYNC_DATASYNC);
            case Kind::discard:
                return io_uring_prep_fallocate(&entry, what_.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(what_.offset),
                                               static_cast<off_t>(what_.size));
        }
    }

    void completed(int result, std::unique_ptr<RingOperation> self) override {
        if (result == -EAGAIN || result == -EINTR) return operations_.start(std::move(self));
        if (result < 0) return done_(-result);
        if (what_.kind != Kind::read && what_.kind != Kind::write) return done_(0);
        if (result == 0) return done_(EIO);
        if (advance(static_cast<std::uint64_t>(result))) return done_(0);
        operations_.start(std::move(self));  // a short transfer: the rest
    }

private:
    // `count` more bytes are done; true if that was the last of them.
    bool advance(std::uint64_t count) {
        what_.memory += count;
        what_.offset += count;
        what_.size -= count;
        return what_.size == 0;
    }

    RingOperations& operations_;
    What what_;
    IoEngine::Done done_;
};

class UringEngine final : public IoEngine {
public:
    explicit UringEngine(CompletionRing& ring) : ring_{ring}, operations_{std::in_place, ring} {}
    // What requests hold (their buffers) is released before we return, while all that it belongs to is still there.
    ~UringEngine() override {
        operations_.reset();
        ring_.wait_for_abandoned();
    }

    void read(int fd, std::span<std::byte> memory, std::uint64_t offset, Done done) override {
        start({Kind::read, fd, memory.data(), memory.size(), offset}, std::move(done));
    }
    void write(int fd, std::span<std::byte const> memory, std::uint64_t offset, Done done) override {
        start({Kind::write, fd, const_cast<std::byte*>(memory.data()), memory.size(), offset}, std::move(done));  // one type serves both ways
    }
    void sync(int fd, Done done) override { start({Kind::sync, fd, nullptr, 0, 0}, std::move(done)); }
    void discard(int fd, std::uint64_t offset, std::uint64_t size, Done done) override {
        start({Kind::discard, fd, nullptr, size, offset}, std::move(done));
    }

private:
    void start(DiskOperation::What what, Done done) { operations_->start(std::make_unique<DiskOperation>(*operations_, std::move(what), std::move(done))); }

    CompletionRing& ring_;
    std::optional<RingOperations> operations_;
};

}  // namespace

std::unique_ptr<IoEngine> make_uring_engine(CompletionRing& ring) { return std::make_unique<UringEngine>(ring); }

}  // namespace hospes::blkbackd
