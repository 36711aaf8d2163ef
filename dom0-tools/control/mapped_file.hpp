// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/base/unique_fd.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace hospes::control {

/// Memory from mmap, unmapped at the end.
class MappedMemory {
public:
    MappedMemory() = default;
    MappedMemory(MappedMemory&& other) noexcept : bytes_{std::exchange(other.bytes_, {})} {}
    MappedMemory& operator=(MappedMemory&& other) noexcept;
    ~MappedMemory();

    /// A regular file, read-only and private. An empty file gives no bytes.
    static Result<MappedMemory> of_file(std::string const& path);
    static Result<MappedMemory> of_fd(int fd, std::size_t size);
    /// Zeroed pages of our own.
    static Result<MappedMemory> anonymous(std::size_t size);

    std::span<std::byte const> bytes() const { return bytes_; }
    std::span<std::byte> writable() { return bytes_; }

private:
    explicit MappedMemory(std::span<std::byte> bytes) : bytes_{bytes} {}
    static Result<MappedMemory> map(int fd, std::size_t size, int protection, int flags);
    std::span<std::byte> bytes_;
};

}  // namespace hospes::control
