// SPDX-License-Identifier: Apache-2.0
// A packet's metadata, between the words of Xen's rings and those of a tap interface (TapHeader).
#pragma once

#include "dom0-tools/netbackd/tap_header.hpp"
#include "dom0-tools/wire/net_packet.hpp"

#include <cstddef>
#include <optional>
#include <span>

namespace hospes::netbackd {

// The header for a frame that the domain sends; may write the pseudo-header's checksum into the frame. Nothing if the
// frame is not what its flags claim: it is to be dropped.
std::optional<TapHeader> header_for_tap(std::span<std::byte> frame, wire::NetFlags const& flags);

// The flags for a frame that the tap gave us. Nothing for segmentation that was never offered.
std::optional<wire::NetFlags> flags_from_tap(TapHeader const& header);

}  // namespace hospes::netbackd
