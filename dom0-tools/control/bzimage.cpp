// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/bzimage.hpp"

#include "dom0-tools/control/byte_reader.hpp"

#include <cstdint>

namespace hospes::control {
namespace {

// Offsets in the setup header.
constexpr std::size_t kSetupSectors = 0x1f1;
constexpr std::size_t kBootFlag = 0x1fe;
constexpr std::size_t kHeaderMagic = 0x202;
constexpr std::size_t kProtocol = 0x206;
constexpr std::size_t kPayloadOffset = 0x248;
constexpr std::size_t kPayloadLength = 0x24c;

constexpr std::uint32_t kMagic = 0x53726448;  // "HdrS"
constexpr std::uint16_t kOldestProtocol = 0x0208;
constexpr std::size_t kSectorSize = 512;

}  // namespace

bool is_bzimage(std::span<std::byte const> file) {
    return read_at<std::uint16_t>(file, kBootFlag) == 0xaa55 && read_at<std::uint32_t>(file, kHeaderMagic) == kMagic;
}

Result<std::span<std::byte const>> bzimage_payload(std::span<std::byte const> file) {
    auto const sectors = read_at<std::uint8_t>(file, kSetupSectors);
    auto const protocol = read_at<std::uint16_t>(file, kProtocol);
    auto const offset = read_at<std::uint32_t>(file, kPayloadOffset);
    auto const length = read_at<std::uint32_t>(file, kPayloadLength);
    if (!sectors || !protocol || !offset || !length) {
        return fail(EINVAL, "the file is cut off: it ends after {} bytes, inside the Linux boot header", file.size());
    }
    if (*protocol < kOldestProtocol) {
        return fail(EINVAL, "the kernel has boot protocol {}.{:02}; 2.08 or later (Linux 2.6.26) is needed",
                    *protocol >> 8, *protocol & 0xff);
    }
    std::size_t const setup_size = ((*sectors == 0 ? 4u : *sectors) + 1u) * kSectorSize;
    if (*length < 8) return fail(EINVAL, "the boot header names a compressed kernel of {} bytes", *length);
    auto const payload = slice(file, setup_size + *offset, *length);
    if (payload) return *payload;
    return fail(EINVAL, "the file is cut off: it has {} bytes, and its compressed kernel ends at byte {}", file.size(),
                setup_size + *offset + *length);
}

}  // namespace hospes::control
