// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/netbackd/offload_header.hpp"

#include <catch2/catch.hpp>

#include <initializer_list>
#include <vector>

using namespace hospes::netbackd;
using hospes::wire::GsoKind;

namespace {

std::vector<std::byte> tcp4_frame() {
    std::vector<std::byte> frame(64);
    auto const put = [&](std::size_t at, std::initializer_list<int> bytes) {
        for (int const byte : bytes) frame[at++] = static_cast<std::byte>(byte);
    };
    put(12, {0x08, 0x00, 0x45});
    put(23, {6, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2});
    put(46, {0x50});
    return frame;
}

}  // namespace

TEST_CASE("a plain frame has a plain header", "[netbackd][offload]") {
    auto frame = tcp4_frame();
    auto const header = header_for_tap(frame, {});
    REQUIRE(header.has_value());
    CHECK(header->flags == 0);
    CHECK(header->gso_type == TapHeader::kGsoNone);
}

TEST_CASE("a blank checksum and segmentation become the tap's", "[netbackd][offload]") {
    auto frame = tcp4_frame();
    auto const header = header_for_tap(frame, {.checksum_blank = true, .gso = {GsoKind::tcp4, 1448}});
    REQUIRE(header.has_value());
    CHECK(header->flags == TapHeader::kNeedsChecksum);
    CHECK(header->csum_start == 34);
    CHECK(header->csum_offset == 16);
    CHECK(header->gso_type == TapHeader::kGsoTcp4);
    CHECK(header->gso_size == 1448);
    CHECK(header->hdr_len == 54);
    CHECK(frame == tcp4_frame());  // the domain has put the pseudo-header's sum there already
}

TEST_CASE("segmentation without a blank checksum makes it blank", "[netbackd][offload]") {
    auto frame = tcp4_frame();
    REQUIRE(header_for_tap(frame, {.data_validated = true, .gso = {GsoKind::tcp4, 1448}}).has_value());
    CHECK(frame != tcp4_frame());
}

TEST_CASE("frames that are not what their flags claim are dropped", "[netbackd][offload]") {
    auto frame = tcp4_frame();
    CHECK(!header_for_tap(frame, {.checksum_blank = true, .gso = {GsoKind::tcp6, 1448}}).has_value());
    frame[23] = std::byte{17};
    CHECK(!header_for_tap(frame, {.checksum_blank = true, .gso = {GsoKind::tcp4, 1448}}).has_value());
    frame[23] = std::byte{1};
    CHECK(!header_for_tap(frame, {.checksum_blank = true, .gso = {}}).has_value());
}

TEST_CASE("the tap's header becomes the ring's flags", "[netbackd][offload]") {
    auto flags = flags_from_tap({.flags = TapHeader::kNeedsChecksum, .gso_type = TapHeader::kGsoTcp6 | TapHeader::kGsoEcn, .gso_size = 1400});
    REQUIRE(flags.has_value());
    CHECK(flags->checksum_blank);
    CHECK(flags->data_validated);
    CHECK(flags->gso.kind == GsoKind::tcp6);
    CHECK(flags->gso.segment_size == 1400);
    CHECK(!flags_from_tap({.gso_type = 3, .gso_size = 1400}).has_value());
    CHECK(!flags_from_tap({.gso_type = TapHeader::kGsoTcp4, .gso_size = 0}).has_value());
}
