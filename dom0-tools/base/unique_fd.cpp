// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace hospes {

void UniqueFd::reset(int fd) {
    // After an EINTR of close() the descriptor is gone on Linux: never retry.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Result<UniqueFd> open_file(std::string const& path, int flags, unsigned mode) {
    int fd = -1;
    do {
        fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) return fail_errno("open {}", path);
    return UniqueFd{fd};
}

Status write_all(int fd, std::span<std::byte const> bytes, std::string_view what) {
    while (!bytes.empty()) {
        auto const written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno("write {} bytes to {}", bytes.size(), what);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::string> read_file(std::string const& path, std::size_t limit) {
    auto const fd = HV_TRY(open_file(path, O_RDONLY));
    std::string content;
    std::array<char, 16384> chunk;
    for (;;) {
        auto const count = ::read(fd.get(), chunk.data(), chunk.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno("read {}", path);
        if (count == 0) return content;
        if (content.size() + static_cast<std::size_t>(count) > limit) return fail(EFBIG, "read {}: larger than {} bytes", path, limit);
        content.append(chunk.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace hospes
