// SPDX-License-Identifier: Apache-2.0
// What stands before each frame on a tap interface with IFF_VNET_HDR: struct virtio_net_hdr of linux/virtio_net.h, whose
// header file is not C++.
#pragma once

#include <cstdint>

namespace hospes::netbackd {

struct TapHeader {
    static constexpr std::uint8_t kNeedsChecksum = 1;   // flags
    static constexpr std::uint8_t kDataValid = 2;
    static constexpr std::uint8_t kGsoNone = 0;         // gso_type
    static constexpr std::uint8_t kGsoTcp4 = 1;
    static constexpr std::uint8_t kGsoTcp6 = 4;
    static constexpr std::uint8_t kGsoEcn = 0x80;       // may come with the others

    std::uint8_t flags = 0;
    std::uint8_t gso_type = kGsoNone;
    std::uint16_t hdr_len = 0;
    std::uint16_t gso_size = 0;
    std::uint16_t csum_start = 0;
    std::uint16_t csum_offset = 0;
};
static_assert(sizeof(TapHeader) == 10);

}  // namespace hospes::netbackd
