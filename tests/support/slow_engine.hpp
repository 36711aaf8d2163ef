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

    void read(int fd, std::span<std::byte> memory, std::uint64_t offset, Done done) override {
        add([=] { return ::pread(fd, memory.data(), memory.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(memory.size()) ? 0 : EIO; }, std::move(done));
    }
    void write(int fd, std::span<std::byte const> memory, std::uint64_t offset, Done done) override {
        add([=] { return ::pwrite(fd, memory.data(), memory.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(memory.size()) ? 0 : EIO; }, std::move(done));
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
    void add(std::function<int()> work, Done done) { pending.push_back({std::move(work), std::move(done)}); }
};

}  // namespace hospes::test::block
