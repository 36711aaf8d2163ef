// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/io_engine.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <linux/falloc.h>

#include <deque>
#include <span>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wshadow"
#include <liburing.h>
#pragma GCC diagnostic pop

namespace hospes::blkbackd {
namespace {

constexpr unsigned kQueueDepth = 256;

enum class Kind : std::uint8_t { read, write, sync, discard };

struct Operation {
    Kind kind;
    int fd;
    IoEngine::Pieces pieces;  // of a transfer; from `next` on they are left to do
    std::size_t next;
    std::uint64_t size;       // of a discard
    std::uint64_t offset;
    IoEngine::Done done;

    std::span<iovec const> left() const { return std::span{pieces}.subspan(next); }

    // `count` more bytes are done; true if that was the last of them.
    bool advance(std::uint64_t count) {
        offset += count;
        while (next < pieces.size() && count >= pieces[next].iov_len) count -= pieces[next++].iov_len;
        if (next == pieces.size()) return true;
        pieces[next].iov_base = static_cast<std::byte*>(pieces[next].iov_base) + count;
        pieces[next].iov_len -= count;
        return false;
    }
};

class UringEngine final : public IoEngine {
public:
    ~UringEngine() override {
        if (is_set_up_) io_uring_queue_exit(&ring_);
    }

    Status set_up(EventLoop& loop) {
        if (int const code = -io_uring_queue_init(kQueueDepth, &ring_, 0); code != 0)
            return std::unexpected{Error::from_errno("set up io_uring (is kernel.io_uring_disabled set?)", code)};
        is_set_up_ = true;
        watch_ = HV_TRY(loop.watch_fd(ring_.ring_fd, {.readable = true}, [this](FdEvents) { on_completions(); }));
        return {};
    }

    void read(int fd, Pieces pieces, std::uint64_t offset, Done done) override {
        queue({Kind::read, fd, std::move(pieces), 0, 0, offset, std::move(done)});
    }
    void write(int fd, Pieces pieces, std::uint64_t offset, Done done) override {
        queue({Kind::write, fd, std::move(pieces), 0, 0, offset, std::move(done)});
    }
    void sync(int fd, Done done) override { queue({Kind::sync, fd, {}, 0, 0, 0, std::move(done)}); }
    void discard(int fd, std::uint64_t offset, std::uint64_t size, Done done) override {
        queue({Kind::discard, fd, {}, 0, size, offset, std::move(done)});
    }

    void submit() override {
        while (!waiting_.empty()) {
            auto* const entry = io_uring_get_sqe(&ring_);
            if (entry == nullptr) break;  // full: the rest goes after these, on their completion
            prepare(*entry, std::move(waiting_.front()));
            waiting_.pop_front();
        }
        int const count = io_uring_submit(&ring_);
        // The kernel is short of something: it stays in the queue and goes with the next submission.
        if (count < 0 && count != -EBUSY && count != -EAGAIN && count != -EINTR) spdlog::error("{}", Error::from_errno("io_uring", -count).message());
    }

private:
    void queue(Operation operation) { waiting_.push_back(std::make_unique<Operation>(std::move(operation))); }

    static void prepare(io_uring_sqe& entry, std::unique_ptr<Operation> operation) {
        auto const left = operation->left();
        switch (operation->kind) {
            case Kind::read: io_uring_prep_readv(&entry, operation->fd, left.data(), static_cast<unsigned>(left.size()), operation->offset); break;
            case Kind::write: io_uring_prep_writev(&entry, operation->fd, left.data(), static_cast<unsigned>(left.size()), operation->offset); break;
            case Kind::sync: io_uring_prep_fsync(&entry, operation->fd, IORING_FSYNC_DATASYNC); break;
            case Kind::discard:
                io_uring_prep_fallocate(&entry, operation->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(operation->offset),
                                        static_cast<off_t>(operation->size));
                break;
        }
        io_uring_sqe_set_data(&entry, operation.release());  // ours again on completion
    }

    void on_completions() {
        io_uring_cqe* entry = nullptr;
        while (io_uring_peek_cqe(&ring_, &entry) == 0) {
            std::unique_ptr<Operation> operation{static_cast<Operation*>(io_uring_cqe_get_data(entry))};
            int const result = entry->res;
            io_uring_cqe_seen(&ring_, entry);
            complete(std::move(operation), result);
        }
        submit();
    }

    void complete(std::unique_ptr<Operation> operation, int result) {
        bool const moves_data = operation->kind == Kind::read || operation->kind == Kind::write;
        if (result == -EAGAIN || result == -EINTR) return waiting_.push_back(std::move(operation));
        if (result < 0) return operation->done(-result);
        if (!moves_data) return operation->done(0);
        if (result == 0) return operation->done(EIO);
        if (operation->advance(static_cast<std::uint64_t>(result))) return operation->done(0);
        waiting_.push_back(std::move(operation));  // a short transfer: the rest
    }

    io_uring ring_{};
    bool is_set_up_ = false;
    FdWatch watch_;
    std::deque<std::unique_ptr<Operation>> waiting_;
};

}  // namespace

Result<std::unique_ptr<IoEngine>> make_uring_engine(EventLoop& loop) {
    auto engine = std::make_unique<UringEngine>();
    HV_TRY(engine->set_up(loop));
    return engine;
}

}  // namespace hospes::blkbackd
