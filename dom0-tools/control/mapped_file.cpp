// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace hospes::control {

MappedMemory& MappedMemory::operator=(MappedMemory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
}

MappedMemory::~MappedMemory() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Result<MappedMemory> MappedMemory::map(int fd, std::size_t size, int protection, int flags) {
    if (size == 0) return MappedMemory{};
    void* const memory = ::mmap(nullptr, size, protection, flags, fd, 0);
    if (memory == MAP_FAILED) return fail_errno("map {} bytes", size);
    return MappedMemory{std::span{static_cast<std::byte*>(memory), size}};
}

Result<MappedMemory> MappedMemory::of_file(std::string const& path) {
    auto const file = HV_TRY(open_file(path, O_RDONLY | O_NONBLOCK));  // not to hang on a pipe
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return fail_errno("stat {}", path);
    if (!S_ISREG(status.st_mode)) return fail(EINVAL, "{} is not a regular file", path);
    return of_fd(file.get(), static_cast<std::size_t>(status.st_size));
}

Result<MappedMemory> MappedMemory::of_fd(int fd, std::size_t size) { return map(fd, size, PROT_READ, MAP_PRIVATE); }

Result<MappedMemory> MappedMemory::anonymous(std::size_t size) {
    return map(-1, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
}

}  // namespace hospes::control
