// SPDX-License-Identifier: Apache-2.0
#include "xenstore/wire/message.hpp"

#include <bit>
#include <cstring>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace hospes::xenstore {

static_assert(std::endian::native == std::endian::little, "the wire format is little-endian and copied as it is");
static_assert(sizeof(xsd_sockmsg) == kHeaderSize);
static_assert(static_cast<u32>(MessageType::write) == XS_WRITE);
static_assert(static_cast<u32>(MessageType::error) == XS_ERROR);
static_assert(static_cast<u32>(MessageType::set_target) == XS_SET_TARGET);
static_assert(static_cast<u32>(MessageType::directory_part) == XS_DIRECTORY_PART);
static_assert(kPayloadMax == XENSTORE_PAYLOAD_MAX);
static_assert(kAbsolutePathMax == XENSTORE_ABS_PATH_MAX);
static_assert(kRelativePathMax == XENSTORE_REL_PATH_MAX);

std::array<char, kHeaderSize> encode(Header const& header) {
    std::array const words{static_cast<u32>(header.type), header.request_id, header.transaction, header.length};
    return std::bit_cast<std::array<char, kHeaderSize>>(words);
}

Header decode(std::span<char const, kHeaderSize> bytes) {
    std::array<u32, 4> words;
    std::memcpy(words.data(), bytes.data(), kHeaderSize);
    return {.type = MessageType{words[0]}, .request_id = words[1], .transaction = words[2], .length = words[3]};
}

}  // namespace hospes::xenstore
