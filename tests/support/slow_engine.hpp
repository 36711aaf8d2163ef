// SPDX-License-Identifier: Apache-2.0
// A disk engine without io_uring.
#pragma once

#include "dom0-tools/blkbackd/io_engine.hpp"

#include <unistd.h>

#include <cerrno>
#include <deque>
#include <utility>

namespace hospes::test::block {

using namespace blkbackd;

// Performs operations when the test says so, in any order it likes.
class SlowEngine final : public IoEngine {
public:
    struct Pending {
        std::function<int()> work;
        Done done;
    };
    std::deque<Pending> pending;
    int next_error = 0;

    void read(int fd, Pieces pieces, std::uint64_t offset, Done done) override {
        add([=] { return ::preadv(fd, pieces.data(), static_cast<int>(pieces.size()), static_cast<off_t>(offset)) == size_of(pieces) ? 0 : EIO; }, std::move(done));
    }
    void write(int fd, Pieces pieces, std::uint64_t offset, Done done) override {
        add([=] { return ::pwritev(fd, pieces.data(), static_cast<int>(pieces.size()), static_cast<off_t>(offset)) == size_of(pieces) ? 0 : EIO; }, std::move(done));
    }
    void sync(int fd, Done done) override {
        add([=] { return ::fdatasync(fd) == 0 ? 0 : errno; }, std::move(done));
    }
    void discard(int, std::uint64_t, std::uint64_t, Done done) override {
        add([] { return EOPNOTSUPP; }, std::move(done));
    }

    void perform(std::size_t index) {
        auto operation = std::move(pending.at(index));
        pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(index));
        int const error = std::exchange(next_error, 0);
        operation.done(error != 0 ? error : operation.work());
    }
    void perform_all() {
        while (!pending.empty()) perform(0);
    }

private:
    static ssize_t size_of(Pieces const& pieces) {
        ssize_t size = 0;
        for (auto const& piece : pieces) size += static_cast<ssize_t>(piece.iov_len);
        return size;
    }
    void add(std::function<int()> work, Done done) { pending.push_back({std::move(work), std::move(done)}); }
};

}  // namespace hospes::test::block
