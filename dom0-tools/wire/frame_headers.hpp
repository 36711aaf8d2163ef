// SPDX-License-Identifier: Apache-2.0
// The little that a backend must know of an Ethernet frame: where its TCP or UDP checksum is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hospes::wire {

struct TransportHeader {
    std::uint16_t start = 0;            // of the TCP/UDP header, in bytes from the start of the frame
    std::uint16_t checksum_offset = 0;  // of the checksum in that header
    std::uint16_t header_end = 0;       // end of all headers (TCP options included)
    bool is_tcp = false;
    bool is_ipv6 = false;
};

// Finds it in an Ethernet frame (802.1Q tags, IPv4 with options, IPv6 with extension headers); nothing for other frames, for
// fragments, and for frames too short for what they claim to be.
std::optional<TransportHeader> find_transport_header(std::span<std::byte const> frame);

// Writes the checksum of the pseudo-header (of the whole packet's length) where the TCP or UDP checksum is to be: what "partial"
// means to Linux. For frames that ask for segmentation without having said so.
void write_pseudo_checksum(std::span<std::byte> frame, TransportHeader const& transport);

}  // namespace hospes::wire
