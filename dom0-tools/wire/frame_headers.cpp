// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/frame_headers.hpp"

namespace hospes::wire {
namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86dd, kEtherVlan = 0x8100, kEtherServiceVlan = 0x88a8;
constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::size_t kMaxVlanTags = 2;
constexpr std::size_t kMaxExtensionHeaders = 8;

// Bounded big-endian reads: out of the frame reads as zero and is remembered.
class Reader {
public:
    explicit Reader(std::span<std::byte const> frame) : frame_{frame} {}
    std::uint8_t byte(std::size_t at) {
        if (at >= frame_.size()) {
            is_short_ = true;
            return 0;
        }
        return static_cast<std::uint8_t>(frame_[at]);
    }
    std::uint16_t word(std::size_t at) { return static_cast<std::uint16_t>(byte(at) << 8 | byte(at + 1)); }
    bool is_short() const { return is_short_; }

private:
    std::span<std::byte const> frame_;
    bool is_short_ = false;
};

struct Next {
    std::size_t offset = 0;
    std::uint8_t protocol = 0;
};

std::optional<Next> skip_ipv4(Reader& reader, std::size_t at) {
    std::size_t const header = static_cast<std::size_t>(reader.byte(at) & 0x0f) * 4;
    if ((reader.byte(at) >> 4) != 4 || header < 20) return std::nullopt;
    constexpr std::uint16_t kMoreFragmentsAndOffset = 0x3fff;
    if ((reader.word(at + 6) & kMoreFragmentsAndOffset) != 0) return std::nullopt;
    return Next{.offset = at + header, .protocol = reader.byte(at + 9)};
}

std::optional<Next> skip_ipv6(Reader& reader, std::size_t at) {
    constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kDestination = 60;
    if ((reader.byte(at) >> 4) != 6) return std::nullopt;
    Next next{.offset = at + 40, .protocol = reader.byte(at + 6)};
    for (std::size_t count = 0; count < kMaxExtensionHeaders; ++count) {
        if (next.protocol != kHopByHop && next.protocol != kRouting && next.protocol != kDestination) return next;
        std::size_t const length = (static_cast<std::size_t>(reader.byte(next.offset + 1)) + 1) * 8;
        next = {.offset = next.offset + length, .protocol = reader.byte(next.offset)};
    }
    return std::nullopt;
}

std::uint32_t sum_words(Reader& reader, std::size_t at, std::size_t count) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += reader.word(at + 2 * i);
    return sum;
}

// Where the IP header starts: the pseudo-header's addresses are in it.
std::size_t ip_offset(Reader& reader) {
    std::size_t at = 12;
    while (reader.word(at) == kEtherVlan || reader.word(at) == kEtherServiceVlan) at += 4;
    return at + 2;
}

}  // namespace

std::optional<TransportHeader> find_transport_header(std::span<std::byte const> frame) {
    Reader reader{frame};
    std::size_t at = 12;
    std::uint16_t type = reader.word(at);
    for (std::size_t tags = 0; tags < kMaxVlanTags && (type == kEtherVlan || type == kEtherServiceVlan); ++tags) type = reader.word(at += 4);
    at += 2;
    std::optional<Next> next;
    if (type == kEtherIpv4) next = skip_ipv4(reader, at);
    if (type == kEtherIpv6) next = skip_ipv6(reader, at);
    if (!next || (next->protocol != kTcp && next->protocol != kUdp)) return std::nullopt;

    bool const is_tcp = next->protocol == kTcp;
    std::size_t const header = is_tcp ? static_cast<std::size_t>(reader.byte(next->offset + 12) >> 4) * 4 : 8;
    if (reader.is_short() || (is_tcp && header < 20) || next->offset + header > frame.size()) return std::nullopt;
    return TransportHeader{.start = static_cast<std::uint16_t>(next->offset),
                           .checksum_offset = static_cast<std::uint16_t>(is_tcp ? 16 : 6),
                           .header_end = static_cast<std::uint16_t>(next->offset + header),
                           .is_tcp = is_tcp,
                           .is_ipv6 = type == kEtherIpv6};
}

void write_pseudo_checksum(std::span<std::byte> frame, TransportHeader const& transport) {
    Reader reader{frame};
    std::size_t const ip = ip_offset(reader);
    std::uint32_t sum = transport.is_ipv6 ? sum_words(reader, ip + 8, 16) : sum_words(reader, ip + 12, 4);
    sum += transport.is_tcp ? kTcp : kUdp;
    sum += static_cast<std::uint32_t>(frame.size() - transport.start);
    while ((sum >> 16) != 0) sum = (sum & 0xffff) + (sum >> 16);
    auto const at = static_cast<std::size_t>(transport.start) + transport.checksum_offset;
    frame[at] = static_cast<std::byte>(sum >> 8);
    frame[at + 1] = static_cast<std::byte>(sum & 0xff);
}

}  // namespace hospes::wire
