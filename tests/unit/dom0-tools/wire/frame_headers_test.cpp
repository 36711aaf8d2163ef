// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/frame_headers.hpp"

#include <catch2/catch.hpp>

#include <initializer_list>
#include <random>
#include <vector>

using namespace hospes::wire;

namespace {

using Frame = std::vector<std::byte>;

void put(Frame& frame, std::size_t at, std::initializer_list<int> bytes) {
    for (int const byte : bytes) frame[at++] = static_cast<std::byte>(byte);
}

// Ethernet, IPv4 without options, TCP without options, 10 bytes of data.
Frame tcp4() {
    Frame frame(14 + 20 + 20 + 10);
    put(frame, 12, {0x08, 0x00});
    put(frame, 14, {0x45});
    put(frame, 14 + 9, {6, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2});
    put(frame, 14 + 20 + 12, {0x50});
    return frame;
}

}  // namespace

TEST_CASE("the TCP header of an IPv4 frame is found", "[wire][headers]") {
    auto const found = find_transport_header(tcp4());
    REQUIRE(found.has_value());
    CHECK(found->is_tcp);
    CHECK(!found->is_ipv6);
    CHECK(found->start == 34);
    CHECK(found->checksum_offset == 16);
    CHECK(found->header_end == 54);
}

TEST_CASE("a VLAN tag, IPv4 options and TCP options are stepped over", "[wire][headers]") {
    auto frame = tcp4();
    frame.insert(frame.begin() + 12, {std::byte{0x81}, std::byte{0}, std::byte{0}, std::byte{5}});
    frame.insert(frame.begin() + 18 + 20, 4, std::byte{1});
    put(frame, 18, {0x46});
    put(frame, 18 + 24 + 12, {0x60});
    auto const found = find_transport_header(frame);
    REQUIRE(found.has_value());
    CHECK(found->start == 42);
    CHECK(found->header_end == 66);
}

TEST_CASE("UDP over IPv6 with an extension header is found", "[wire][headers]") {
    Frame frame(14 + 40 + 8 + 8 + 4);
    put(frame, 12, {0x86, 0xdd, 0x60});
    put(frame, 14 + 6, {60});
    put(frame, 14 + 40, {17, 0});
    auto const found = find_transport_header(frame);
    REQUIRE(found.has_value());
    CHECK(!found->is_tcp);
    CHECK(found->is_ipv6);
    CHECK(found->start == 62);
    CHECK(found->checksum_offset == 6);
}

TEST_CASE("fragments, other protocols and truncated frames have no transport header", "[wire][headers]") {
    auto frame = tcp4();
    SECTION("fragment") { put(frame, 14 + 6, {0x20, 0x00}); }
    SECTION("ICMP") { put(frame, 14 + 9, {1}); }
    SECTION("ARP") { put(frame, 12, {0x08, 0x06}); }
    SECTION("no IPv4") { put(frame, 14, {0x65}); }
    SECTION("short IPv4 header") { put(frame, 14, {0x44}); }
    SECTION("short TCP header") { put(frame, 46, {0x40}); }
    SECTION("TCP header behind the end") { put(frame, 46, {0xf0}); }
    SECTION("cut") { frame.resize(static_cast<std::size_t>(GENERATE(0, 1, 13, 14, 33, 40, 53))); }
    CHECK(!find_transport_header(frame).has_value());
}

TEST_CASE("the pseudo-header's checksum is what RFC 793 says", "[wire][headers]") {
    auto frame = tcp4();
    auto const found = find_transport_header(frame);
    write_pseudo_checksum(frame, *found);
    // 0x0a4d + 0x0001 + 0x0a4d + 0x0002 + 6 + 30
    CHECK(frame[50] == std::byte{0x14});
    CHECK(frame[51] == std::byte{0xc1});
}

TEST_CASE("no frame makes the search read outside of it", "[wire][headers][property]") {
    auto const seed = GENERATE(take(50, random(0u, UINT32_MAX)));
    INFO("seed " << seed);
    std::mt19937 rng{seed};
    for (int step = 0; step < 300; ++step) {
        auto frame = tcp4();
        frame.resize(rng() % frame.size());
        for (int i = 0; i < 4 && !frame.empty(); ++i) frame[rng() % frame.size()] = static_cast<std::byte>(rng());
        frame.shrink_to_fit();  // so that the sanitizer sees the end
        auto const found = find_transport_header(frame);
        if (!found) continue;
        REQUIRE(found->header_end <= frame.size());
        write_pseudo_checksum(frame, *found);
    }
}
