// SPDX-License-Identifier: Apache-2.0
// Unpacked kernels on disk, so that only the first create of a kernel pays for unpacking it.
#pragma once

#include "dom0-tools/control/mapped_file.hpp"

#include <optional>
#include <string>

struct stat;

namespace hospes::control {

inline constexpr char kKernelCacheFolder[] = "/var/lib/hospes/cache";

class ImageCache {
public:
    /// `folder` is made when something is kept in it. An empty name: nothing is kept.
    explicit ImageCache(std::string folder) : folder_{std::move(folder)} {}

    /// The unpacked form of the file with this status, if it was kept. A file that was replaced or written to since is
    /// another one: device, inode, time of change and size make the key.
    std::optional<MappedMemory> find(struct stat const& file) const;

    /// Keeps `unpacked` as the file's unpacked form; a few of the newest stay. It appears whole or not at all, also when
    /// this program is killed. The caller may ignore an error: the next create unpacks again.
    Status keep(struct stat const& file, std::span<std::byte const> unpacked) const;

private:
    std::string path_of(struct stat const& file) const;
    void drop_oldest() const;
    std::string folder_;
};

}  // namespace hospes::control
