// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/hypercall_buffer.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

namespace hospes {

Result<HypercallBuffer> HypercallBuffer::open() {
    auto device = open_file("/dev/xen/hypercall", O_RDWR);
    if (!device && device.error().code() != ENOENT) return std::unexpected(std::move(device).error());
    bool const locked_memory = !device;
    int const flags = locked_memory ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE : MAP_SHARED;
    void* const memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, flags, locked_memory ? -1 : device->get(), 0);
    if (memory == MAP_FAILED) return fail_errno("map {} bytes for hypercalls", kSize);
    std::span const bytes{static_cast<std::byte*>(memory), kSize};
    return HypercallBuffer{locked_memory ? UniqueFd{} : *std::move(device), bytes};
}

HypercallBuffer::~HypercallBuffer() {
    if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

std::span<std::byte> HypercallBuffer::take_bytes(std::size_t size) {
    constexpr std::size_t kAlignment = 64;
    auto const start = (used_ + kAlignment - 1) / kAlignment * kAlignment;
    if (start > memory_.size() || size > memory_.size() - start) return {};
    used_ = start + size;
    auto const piece = memory_.subspan(start, size);
    std::ranges::fill(piece, std::byte{0});
    return piece;
}

}  // namespace hospes
