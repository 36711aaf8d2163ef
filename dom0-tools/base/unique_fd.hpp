// SPDX-License-Identifier: Apache-2.0
// A file descriptor with one owner.
#pragma once

#include "dom0-tools/base/result.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace hospes {

class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_{fd} {}
    UniqueFd(UniqueFd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);

private:
    int fd_ = -1;
};

// Opens `path`, always close-on-exec. `flags` and `mode` as open(2) takes them.
Result<UniqueFd> open_file(std::string const& path, int flags, unsigned mode = 0);

// Writes all bytes, going on after short writes and signals; for blocking descriptors. `what` names the target in an error.
Status write_all(int fd, std::span<std::byte const> bytes, std::string_view what);

// The whole content of a small file, at most `limit` bytes (EFBIG beyond).
Result<std::string> read_file(std::string const& path, std::size_t limit = std::size_t{16} << 20);

}  // namespace hospes
