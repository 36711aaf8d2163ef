// SPDX-License-Identifier: Apache-2.0
// Packets on the rings of a network frontend (xen/io/netif.h): a packet is a chain of slots, with extra-info slots after the first.
#pragma once

#include "dom0-tools/wire/back_ring.hpp"
#include "hypervisor/base/strong.hpp"

#include <array>
#include <optional>
#include <span>

namespace hospes::wire {

// The least that every backend must accept (XEN_NETIF_NR_SLOTS_MIN), and the number at which a frontend is not merely
// generous but broken: packets in between are refused one by one.
inline constexpr std::uint32_t kMaxSlotsPerPacket = XEN_NETIF_NR_SLOTS_MIN;
inline constexpr std::uint32_t kFatalSlotsPerPacket = 20;
inline constexpr std::size_t kMaxPacketSize = 65535;
static_assert(kMaxSlotsPerPacket == 18);

// A piece of the packet in one of the frontend's pages.
struct NetSlot {
    GrantRef ref;
    std::uint16_t offset = 0;
    std::uint16_t size = 0;
};

enum class GsoKind : std::uint8_t { none, tcp4, tcp6 };

struct Gso {
    GsoKind kind = GsoKind::none;
    std::uint16_t segment_size = 0;
};

// What a packet's metadata says, in both directions.
struct NetFlags {
    bool checksum_blank = false;   // the TCP/UDP checksum holds the pseudo-header's sum only
    bool data_validated = false;   // the checksum was found right, or the packet never left the host
    Gso gso{};
};

struct TxPacket {
    NetFlags flags;
    std::uint32_t size = 0;
    std::uint32_t slot_count = 0;     // of `slots`: those that carry data
    std::array<NetSlot, kMaxSlotsPerPacket> slots{};

    // For the answers, in the order of the ring: ids of data slots; extra-info slots are answered with "null".
    struct Answer {
        std::uint16_t id = 0;
        bool is_extra = false;
    };
    std::uint32_t answer_count = 0;
    std::array<Answer, kFatalSlotsPerPacket + XEN_NETIF_EXTRA_TYPE_MAX> answers{};

    bool is_acceptable = false;       // else: answer it with an error and drop it
    char const* refusal = "";         // why it is not
};

enum class TxTaken : std::uint8_t {
    packet,
    none,    // nothing waits
    broken,  // the frontend does not keep to the protocol: stop serving it
};

// Takes the next packet from the ring. On `broken`, `packet.refusal` says what is wrong.
TxTaken take_packet(NetTxRing& ring, TxPacket& packet);

// Answers all slots of a packet; `status` is NETIF_RSP_OKAY, NETIF_RSP_ERROR or NETIF_RSP_DROPPED.
void answer_packet(NetTxRing& ring, TxPacket const& packet, std::int16_t status);

// How many slots a packet of `size` bytes takes of the frontend's receive buffers.
constexpr std::uint32_t rx_slots_for(std::size_t size, bool has_gso) {
    return static_cast<std::uint32_t>((size + 4095) / 4096) + (has_gso ? 1 : 0);
}

// The responses for a packet of `size` bytes that was copied into the buffers of `requests`, in order: one each, the second
// one being the extra-info slot where there is GSO. requests.size() == rx_slots_for(size, ...).
void answer_received(NetRxRing& ring, std::span<netif_rx_request_t const> requests, std::size_t size, NetFlags const& flags);

// The responses for a packet that could not be copied into the buffers of `requests`.
void refuse_received(NetRxRing& ring, std::span<netif_rx_request_t const> requests);

}  // namespace hospes::wire
