// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/net_packet.hpp"

namespace hospes::wire {
namespace {

static_assert(sizeof(netif_extra_info_t) == 8 && offsetof(netif_extra_info_t, u) == 2);

constexpr std::size_t kEthernetHeader = 14;

// Walks the slots of one packet. All are peeked at first and taken off the ring in the end.
class Assembler {
public:
    Assembler(NetTxRing& ring, TxPacket& packet, std::uint32_t waiting) : ring_{ring}, packet_{packet}, waiting_{waiting} {}

    TxTaken run() {
        auto const first = ring_.peek<netif_tx_request_t>(0);
        ++used_;
        remember(first.id, false);
        packet_.flags.checksum_blank = (first.flags & NETTXF_csum_blank) != 0;
        packet_.flags.data_validated = (first.flags & NETTXF_data_validated) != 0;
        packet_.size = first.size;
        if ((first.flags & NETTXF_extra_info) != 0 && !take_extras()) return TxTaken::broken;
        if (!take_fragments(first)) return TxTaken::broken;
        ring_.advance(used_);
        return TxTaken::packet;
    }

private:
    bool broken(char const* why) {
        packet_.refusal = why;
        return false;
    }

    void refuse(char const* why) {
        packet_.is_acceptable = false;
        packet_.refusal = why;
    }

    void remember(std::uint16_t id, bool is_extra) { packet_.answers[packet_.answer_count++] = {.id = id, .is_extra = is_extra}; }

    bool take_extras() {
        for (std::uint32_t count = 0;; ++count) {
            if (used_ >= waiting_) return broken("an extra-info slot is announced but missing");
            if (count == XEN_NETIF_EXTRA_TYPE_MAX) return broken("too many extra-info slots");
            auto const extra = ring_.peek<netif_extra_info_t>(used_++);
            remember(0, true);
            if (extra.type == XEN_NETIF_EXTRA_TYPE_NONE || extra.type >= XEN_NETIF_EXTRA_TYPE_MAX) return broken("an extra-info slot has an unknown type");
            if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO && !take_gso(extra)) return false;
            if ((extra.flags & XEN_NETIF_EXTRA_FLAG_MORE) == 0) return true;
        }
    }

    bool take_gso(netif_extra_info_t const& extra) {
        if (extra.u.gso.size == 0) return broken("a segment size of zero");
        switch (extra.u.gso.type) {
            case XEN_NETIF_GSO_TYPE_TCPV4: packet_.flags.gso.kind = GsoKind::tcp4; break;
            case XEN_NETIF_GSO_TYPE_TCPV6: packet_.flags.gso.kind = GsoKind::tcp6; break;
            default: return broken("an unknown type of segmentation");
        }
        packet_.flags.gso.segment_size = extra.u.gso.size;
        return true;
    }

    // The first slot's size is that of the whole packet, so its own part is what the others leave.
    bool take_fragments(netif_tx_request_t const& first) {
        packet_.is_acceptable = true;
        std::uint32_t fragments_size = 0;
        packet_.slot_count = 1;
        bool more = (first.flags & NETTXF_more_data) != 0;
        for (std::uint32_t count = 1; more; ++count) {
            if (used_ >= waiting_) return broken("a slot of a packet is announced but missing");
            if (count == kFatalSlotsPerPacket) return broken("far too many slots in a packet");
            auto const slot = ring_.peek<netif_tx_request_t>(used_++);
            remember(slot.id, false);
            more = (slot.flags & NETTXF_more_data) != 0;
            if (slot.offset + slot.size > 4096) return broken("a slot crosses the end of its page");
            fragments_size += slot.size;
            if (count >= kMaxSlotsPerPacket) {
                refuse("more slots than this backend takes");
                continue;
            }
            packet_.slots[packet_.slot_count++] = {.ref = GrantRef{slot.gref}, .offset = slot.offset, .size = slot.size};
        }
        if (fragments_size >= packet_.size) {
            refuse("the slots hold more than the packet's size");
            return true;
        }
        auto const head = static_cast<std::uint16_t>(packet_.size - fragments_size);
        if (first.offset + head > 4096) return broken("the first slot crosses the end of its page");
        packet_.slots[0] = {.ref = GrantRef{first.gref}, .offset = first.offset, .size = head};
        if (packet_.size < kEthernetHeader) refuse("shorter than an Ethernet header");
        return true;
    }

    NetTxRing& ring_;
    TxPacket& packet_;
    std::uint32_t waiting_;
    std::uint32_t used_ = 0;
};

std::uint16_t rx_flags(NetFlags const& flags) {
    unsigned wire = 0;
    if (flags.checksum_blank) wire |= NETRXF_csum_blank | NETRXF_data_validated;
    if (flags.data_validated) wire |= NETRXF_data_validated;
    return static_cast<std::uint16_t>(wire);
}

netif_rx_response_t extra_response(Gso const& gso) {
    netif_extra_info_t extra{};
    extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
    extra.u.gso.size = gso.segment_size;
    extra.u.gso.type = gso.kind == GsoKind::tcp4 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
    netif_rx_response_t response;
    static_assert(sizeof response == sizeof extra);
    std::memcpy(&response, &extra, sizeof response);
    return response;
}

}  // namespace

TxTaken take_packet(NetTxRing& ring, TxPacket& packet) {
    packet = {};
    std::uint32_t waiting = 0;
    switch (ring.count_waiting(waiting)) {
        case RingState::empty: return TxTaken::none;
        case RingState::broken: packet.refusal = "the ring's index is out of bounds"; return TxTaken::broken;
        case RingState::ok: break;
    }
    return Assembler{ring, packet, waiting}.run();
}

void answer_packet(NetTxRing& ring, TxPacket const& packet, std::int16_t status) {
    for (std::uint32_t i = 0; i < packet.answer_count; ++i) {
        auto const& answer = packet.answers[i];
        ring.answer({.id = answer.id, .status = answer.is_extra ? std::int16_t{NETIF_RSP_NULL} : status});
    }
}

void answer_received(NetRxRing& ring, std::span<netif_rx_request_t const> requests, std::size_t size, NetFlags const& flags) {
    bool const has_gso = flags.gso.kind != GsoKind::none;
    std::size_t done = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (i == 1 && has_gso) {
            ring.answer(extra_response(flags.gso));
            continue;
        }
        auto const part = std::min<std::size_t>(size - done, 4096);
        done += part;
        unsigned wire = i == 0 ? rx_flags(flags) : 0u;
        if (done < size) wire |= NETRXF_more_data;
        if (i == 0 && has_gso) wire |= NETRXF_extra_info;
        ring.answer({.id = requests[i].id, .offset = 0, .flags = static_cast<std::uint16_t>(wire), .status = static_cast<std::int16_t>(part)});
    }
}

void refuse_received(NetRxRing& ring, std::span<netif_rx_request_t const> requests) {
    for (auto const& request : requests) ring.answer({.id = request.id, .offset = 0, .flags = 0, .status = NETIF_RSP_ERROR});
}

}  // namespace hospes::wire
