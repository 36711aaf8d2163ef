// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/net_packet.hpp"

#include "tests/support/front_ring.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace hospes;
using namespace hospes::wire;
using hospes::test::FrontRxRing;
using hospes::test::FrontTxRing;

namespace {

struct alignas(4096) Page {
    std::byte bytes[4096]{};
};

struct TxFixture {
    Page page;
    FrontTxRing front{page.bytes, sizeof page};
    NetTxRing back{page.bytes, sizeof page};
    TxPacket packet;

    void put(std::uint16_t id, std::uint16_t size, unsigned flags, std::uint16_t offset = 0) {
        front.put(netif_tx_request_t{.gref = 100u + id, .offset = offset, .flags = static_cast<std::uint16_t>(flags), .id = id, .size = size});
    }
    void put_gso(std::uint16_t size, std::uint8_t type, std::uint8_t flags = 0) {
        netif_extra_info_t extra{};
        extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
        extra.flags = flags;
        extra.u.gso.size = size;
        extra.u.gso.type = type;
        front.put(extra);
    }
};

}  // namespace

TEST_CASE("a packet of one slot", "[wire][net]") {
    TxFixture f;
    CHECK(take_packet(f.back, f.packet) == TxTaken::none);
    f.put(3, 60, NETTXF_csum_blank | NETTXF_data_validated, 100);
    REQUIRE(take_packet(f.back, f.packet) == TxTaken::packet);
    CHECK(f.packet.is_acceptable);
    CHECK(f.packet.size == 60);
    CHECK(f.packet.slot_count == 1);
    CHECK(f.packet.slots[0].offset == 100);
    CHECK(f.packet.flags.checksum_blank);
    CHECK(f.packet.flags.gso.kind == GsoKind::none);
}

TEST_CASE("a large packet: extra info behind the first slot, whose size is that of all", "[wire][net]") {
    TxFixture f;
    f.put(1, 9000, NETTXF_csum_blank | NETTXF_extra_info | NETTXF_more_data);
    f.put_gso(1448, XEN_NETIF_GSO_TYPE_TCPV4);
    f.put(2, 4096, NETTXF_more_data);
    f.put(3, 4000, 0);
    REQUIRE(take_packet(f.back, f.packet) == TxTaken::packet);
    CHECK(f.packet.is_acceptable);
    CHECK(f.packet.slot_count == 3);
    CHECK(f.packet.slots[0].size == 904);
    CHECK(f.packet.flags.gso.kind == GsoKind::tcp4);
    CHECK(f.packet.flags.gso.segment_size == 1448);

    answer_packet(f.back, f.packet, NETIF_RSP_OKAY);
    CHECK(f.back.publish());
    CHECK(f.front.take()->status == NETIF_RSP_OKAY);
    CHECK(f.front.take()->status == NETIF_RSP_NULL);
    CHECK(f.front.take()->id == 2);
    CHECK(f.front.take()->id == 3);
    CHECK(!f.front.take());
}

TEST_CASE("eighteen slots are taken, nineteen refused, twenty-one are the end of the connection", "[wire][net]") {
    TxFixture f;
    auto const slots = GENERATE(18, 19, 20, 21);
    f.put(0, static_cast<std::uint16_t>(slots * 100), NETTXF_more_data);
    for (int i = 1; i < slots; ++i) f.put(static_cast<std::uint16_t>(i), 100, i + 1 < slots ? NETTXF_more_data : 0);
    auto const taken = take_packet(f.back, f.packet);
    CHECK(taken == (slots > 20 ? TxTaken::broken : TxTaken::packet));
    if (slots <= 20) {
        CHECK(f.packet.is_acceptable == (slots == 18));
        CHECK(f.packet.answer_count == static_cast<unsigned>(slots));
        CHECK(f.back.unanswered() == static_cast<unsigned>(slots));
    }
}

TEST_CASE("chains that break the protocol are named", "[wire][net]") {
    TxFixture f;
    SECTION("an announced slot is missing") { f.put(1, 2000, NETTXF_more_data); }
    SECTION("announced extra info is missing") { f.put(1, 2000, NETTXF_extra_info); }
    SECTION("a slot crosses its page") {
        f.put(1, 2000, NETTXF_more_data);
        f.put(2, 1000, 0, 3500);
    }
    SECTION("the first slot crosses its page") { f.put(1, 1000, 0, 3500); }
    SECTION("an unknown extra type") {
        f.put(1, 100, NETTXF_extra_info);
        f.front.put(netif_extra_info_t{.type = 0x77, .flags = 0, .u = {}});
    }
    SECTION("an unknown segmentation") {
        f.put(1, 100, NETTXF_extra_info);
        f.put_gso(1448, 9);
    }
    SECTION("segments of no size") {
        f.put(1, 100, NETTXF_extra_info);
        f.put_gso(0, XEN_NETIF_GSO_TYPE_TCPV4);
    }
    SECTION("extra info without end") {
        f.put(1, 100, NETTXF_extra_info);
        for (int i = 0; i < 10; ++i) f.put_gso(1448, XEN_NETIF_GSO_TYPE_TCPV4, XEN_NETIF_EXTRA_FLAG_MORE);
    }
    SECTION("an impossible index") { f.front.req_prod() = 1000; }
    CHECK(take_packet(f.back, f.packet) == TxTaken::broken);
    CHECK(!std::string{f.packet.refusal}.empty());
}

TEST_CASE("packets that are merely wrong are refused one by one", "[wire][net]") {
    TxFixture f;
    SECTION("slots larger than the packet") {
        f.put(1, 100, NETTXF_more_data);
        f.put(2, 200, 0);
    }
    SECTION("shorter than an Ethernet header") { f.put(1, 13, 0); }
    SECTION("empty") { f.put(1, 0, 0); }
    REQUIRE(take_packet(f.back, f.packet) == TxTaken::packet);
    CHECK(!f.packet.is_acceptable);
}

TEST_CASE("a received packet is spread over the frontend's buffers", "[wire][net]") {
    Page page;
    FrontRxRing front{page.bytes, sizeof page};
    NetRxRing back{page.bytes, sizeof page};
    std::vector<netif_rx_request_t> requests;
    for (std::uint16_t i = 0; i < 4; ++i) front.put(netif_rx_request_t{.id = static_cast<std::uint16_t>(50 + i), .pad = 0, .gref = i});
    for (int i = 0; i < 4; ++i) {
        requests.emplace_back();
        REQUIRE(back.take(requests.back()) == RingState::ok);
    }
    REQUIRE(rx_slots_for(9000, true) == 4);
    answer_received(back, requests, 9000, {.checksum_blank = true, .data_validated = true, .gso = {GsoKind::tcp6, 1400}});
    CHECK(back.publish());
    auto const first = *front.take();
    CHECK(first.id == 50);
    CHECK(first.status == 4096);
    CHECK(first.flags == (NETRXF_csum_blank | NETRXF_data_validated | NETRXF_more_data | NETRXF_extra_info));
    auto const second = *front.take();
    netif_extra_info_t extra;
    std::memcpy(&extra, &second, sizeof extra);
    CHECK(extra.type == XEN_NETIF_EXTRA_TYPE_GSO);
    CHECK(extra.u.gso.size == 1400);
    CHECK(extra.u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6);
    auto const third = *front.take();
    CHECK(third.id == 52);
    CHECK(third.flags == NETRXF_more_data);
    auto const fourth = *front.take();
    CHECK(fourth.status == 808);
    CHECK(fourth.flags == 0);
}

TEST_CASE("any ring content gives packets within their bounds", "[wire][net][property]") {
    auto const seed = GENERATE(take(50, random(0u, UINT32_MAX)));
    INFO("seed " << seed);
    std::mt19937 rng{seed};
    TxFixture f;
    for (auto& byte : std::span{f.page.bytes}.subspan(64)) byte = static_cast<std::byte>(rng() % 2 == 0 ? rng() : rng() % 8);
    f.front.req_prod() = rng() % 256;
    for (int step = 0; step < 256; ++step) {
        auto const taken = take_packet(f.back, f.packet);
        if (taken != TxTaken::packet) break;
        REQUIRE(f.packet.slot_count <= kMaxSlotsPerPacket);
        REQUIRE(f.packet.answer_count <= f.packet.answers.size());
        if (!f.packet.is_acceptable) continue;
        std::uint32_t sum = 0;
        for (auto const& slot : std::span{f.packet.slots}.first(f.packet.slot_count)) {
            REQUIRE(slot.offset + slot.size <= 4096);
            sum += slot.size;
        }
        REQUIRE(sum == f.packet.size);
    }
}
