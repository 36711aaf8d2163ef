// SPDX-License-Identifier: Apache-2.0
// What is behind a virtual disk: a raw image file or a block device, locked against other users for as long as it is open.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace hospes::blkbackd {

// `shared`: written by others too, which say the same (a file system made for it, or a quorum disk).
enum class DiskMode : std::uint8_t { read_only, read_write, shared };

class Disk {
public:
    // Errors are sentences for whoever configured the disk. EBUSY: it is in use by another, in a way that excludes ours
    // (one user that writes, or many that only read, or many that share it,
    // beside whom one may read).
    static Result<Disk> open(std::string const& path, DiskMode mode);

    int fd() const { return fd_.get(); }
    std::string const& path() const { return path_; }
    bool is_read_only() const { return mode_ == DiskMode::read_only; }
    std::uint64_t sectors() const { return sectors_; }              // of 512 bytes
    std::uint32_t block_size() const { return block_size_; }        // smallest unit of a request, in bytes
    std::uint32_t physical_block_size() const { return physical_block_size_; }
    bool is_direct() const { return is_direct_; }                   // past the page cache
    bool can_discard() const { return can_discard_; }
    void keep_what_is_discarded() { can_discard_ = false; }
    // "major:minor" in hexadecimal for a block device, else empty.
    std::string const& device_number() const { return device_number_; }

private:
    Status look(std::string const& path);
    Status look_at_device();
    Status lock();
    void try_direct();

    std::string path_;
    DiskMode mode_ = DiskMode::read_only;
    UniqueFd fd_;
    std::uint64_t sectors_ = 0;
    std::uint32_t block_size_ = 512;
    std::uint32_t physical_block_size_ = 512;
    bool is_block_device_ = false;
    bool is_direct_ = false;
    bool can_discard_ = false;
    std::string device_number_;
};

}  // namespace hospes::blkbackd
