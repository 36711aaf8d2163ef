// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/disk.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace hospes::blkbackd {
namespace {

std::unexpected<Error> refuse_open(std::string const& path, DiskMode mode, int code) {
    switch (code) {
        case ENOENT: return fail(code, "disk {} does not exist: make it first, or correct its path", path);
        case EACCES:
        case EPERM:
        case EROFS:
            return fail(code, "disk {} cannot be opened for {}: {}", path, mode != DiskMode::read_only ? "writing: attach it read-only, or make it writable" : "reading",
                        Error::from_errno("open", code).message());
        case EBUSY: return fail(code, "disk {} is in use", path);
        default: return std::unexpected{Error::from_errno(fmt::format("open disk {}", path), code)};
    }
}

}  // namespace

Result<Disk> Disk::open(std::string const& path, DiskMode mode) {
    if (path.empty() || path.front() != '/') return fail(EINVAL, "disk path \"{}\" must be absolute", path);
    struct stat info {};
    if (::stat(path.c_str(), &info) < 0) return refuse_open(path, mode, errno);
    if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) return fail(EINVAL, "disk {} is neither a regular file nor a block device", path);

    Disk disk;
    disk.path_ = path;
    disk.mode_ = mode;
    disk.is_block_device_ = S_ISBLK(info.st_mode);
    // O_EXCL on a block device keeps those out that are mounted. Who shares one cannot keep the claim, but has to find it free.
    if (disk.is_block_device_ && mode == DiskMode::shared) {
        auto const claim = open_file(path, O_RDWR | O_EXCL | O_NONBLOCK);
        if (!claim) return refuse_open(path, mode, claim.error().code());
    }
    int const exclusive = disk.is_block_device_ && mode == DiskMode::read_write ? O_EXCL : 0;
    auto fd = open_file(path, (mode != DiskMode::read_only ? O_RDWR : O_RDONLY) | exclusive | O_NONBLOCK);
    if (!fd) return refuse_open(path, mode, fd.error().code());
    disk.fd_ = std::move(*fd);
    HV_TRY(disk.lock());
    HV_TRY(disk.look(path));
    disk.try_direct();
    return disk;
}

// The lock goes with the open file: it ends when we do, however we end.
Status Disk::lock() {
    if (::flock(fd_.get(), (mode_ == DiskMode::read_write ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK) return fail_errno("lock disk {}", path_);
    return fail(EBUSY, "disk {} is in use", path_);
}

Status Disk::look(std::string const& path) {
    struct stat info {};
    if (::fstat(fd_.get(), &info) < 0) return fail_errno("look at disk {}", path);
    if (is_block_device_) {
        device_number_ = fmt::format("{:x}:{:x}", major(info.st_rdev), minor(info.st_rdev));
        HV_TRY(look_at_device());
    } else {
        sectors_ = static_cast<std::uint64_t>(info.st_size) / 512;
        can_discard_ = !is_read_only();
    }
    if (sectors_ == 0) return fail(EINVAL, "disk {} is empty: it must have at least one sector of 512 bytes", path);
    return {};
}

Status Disk::look_at_device() {
    std::uint64_t bytes = 0;
    int logical = 0;
    unsigned physical = 0;
    if (::ioctl(fd_.get(), BLKGETSIZE64, &bytes) < 0 || ::ioctl(fd_.get(), BLKSSZGET, &logical) < 0 || ::ioctl(fd_.get(), BLKPBSZGET, &physical) < 0)
        return fail_errno("size of disk {}", path_);
    sectors_ = bytes / 512;
    block_size_ = static_cast<std::uint32_t>(logical);
    physical_block_size_ = physical;
    return {};
}

// Past the page cache where 512-byte pieces can be moved that way; else through it, which is right too, only slower.
void Disk::try_direct() {
    std::uint32_t const unit = block_size_;
    struct statx info {};
    if (!is_block_device_) {
        bool const known = ::statx(fd_.get(), "", AT_EMPTY_PATH, STATX_DIOALIGN, &info) == 0 && (info.stx_mask & STATX_DIOALIGN) != 0;
        if (!known || info.stx_dio_offset_align == 0 || info.stx_dio_offset_align > unit) return;
    }
    int const flags = ::fcntl(fd_.get(), F_GETFL);
    is_direct_ = flags >= 0 && ::fcntl(fd_.get(), F_SETFL, flags | O_DIRECT) == 0;
}

}  // namespace hospes::blkbackd
