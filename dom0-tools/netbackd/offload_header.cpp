// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/netbackd/offload_header.hpp"

#include "dom0-tools/wire/frame_headers.hpp"

namespace hospes::netbackd {

using wire::GsoKind;

std::optional<TapHeader> header_for_tap(std::span<std::byte> frame, wire::NetFlags const& flags) {
    TapHeader header{};
    bool const has_gso = flags.gso.kind != GsoKind::none;
    if (!flags.checksum_blank && !has_gso) return header;

    auto const transport = wire::find_transport_header(frame);
    if (!transport) return std::nullopt;
    if (has_gso) {
        bool const fits = transport->is_tcp && transport->is_ipv6 == (flags.gso.kind == GsoKind::tcp6);
        if (!fits) return std::nullopt;
        if (!flags.checksum_blank) wire::write_pseudo_checksum(frame, *transport);
        header.gso_type = transport->is_ipv6 ? TapHeader::kGsoTcp6 : TapHeader::kGsoTcp4;
        header.gso_size = flags.gso.segment_size;
        header.hdr_len = transport->header_end;
    }
    header.flags = TapHeader::kNeedsChecksum;
    header.csum_start = transport->start;
    header.csum_offset = transport->checksum_offset;
    return header;
}

std::optional<wire::NetFlags> flags_from_tap(TapHeader const& header) {
    wire::NetFlags flags;
    flags.checksum_blank = (header.flags & TapHeader::kNeedsChecksum) != 0;
    flags.data_validated = flags.checksum_blank || (header.flags & TapHeader::kDataValid) != 0;
    switch (header.gso_type & ~TapHeader::kGsoEcn) {
        case TapHeader::kGsoNone: return flags;
        case TapHeader::kGsoTcp4: flags.gso.kind = GsoKind::tcp4; break;
        case TapHeader::kGsoTcp6: flags.gso.kind = GsoKind::tcp6; break;
        default: return std::nullopt;
    }
    flags.gso.segment_size = header.gso_size;
    if (flags.gso.segment_size == 0) return std::nullopt;
    return flags;
}

}  // namespace hospes::netbackd
