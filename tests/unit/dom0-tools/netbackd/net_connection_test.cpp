// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/netbackd/net_connection.hpp"

#include "dom0-tools/netbackd/tap_header.hpp"
#include "tests/support/fake_event_channels.hpp"
#include "tests/support/fake_grants.hpp"
#include "tests/support/front_ring.hpp"
#include "tests/support/hostile_ring.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>

using namespace hospes;
using namespace hospes::netbackd;
using hospes::test::FrontRxRing;
using hospes::test::FrontTxRing;

namespace {

constexpr DomId kGuest{3};
constexpr EventPort kPort{2};

// A pair of sockets that keep packets apart stands for the tap: one end is the backend's, the other the bridge's.
struct Fixture {
    EventLoop loop;
    test::FakeEventChannels events;
    test::FakeGrants grants;
    FrameStore frames{*grants.copy_memory(FrameStore::kPages)};
    UniqueFd tap, bridge;
    FrontTxRing tx{grants.grant(kGuest, GrantRef{8}), 4096};
    FrontRxRing rx{grants.grant(kGuest, GrantRef{9}), 4096};
    std::vector<std::string> failures;
    std::optional<NetConnection> connection;

    explicit Fixture(std::size_t largest_frame = 65535) {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        tap.reset(fds[0]);
        bridge.reset(fds[1]);
        events.offer(kGuest, kPort);
        std::array const tx_ref{GrantRef{8}}, rx_ref{GrantRef{9}};
        NetConnection::Rings rings{*grants.map(kGuest, tx_ref, Access::read_write), *grants.map(kGuest, rx_ref, Access::read_write)};
        NetConnection::Ports const ports{loop, events, grants, frames};
        connection.emplace(ports, kGuest, std::move(rings), tap.get(), largest_frame, [this](Error const& error) { failures.push_back(error.message()); });
        REQUIRE(connection->start(kPort).has_value());
    }
    ~Fixture() {
        connection.reset();
        CHECK(grants.mapped_pages() == 0);
        CHECK(events.ports().empty());
    }
    void kick() { events.fire(events.local_port(kGuest, kPort)); }
    void turn() {
        for (int i = 0; i < 3; ++i) loop.run_once(false);
    }
    void post_buffers(std::uint16_t first, std::uint16_t count) {
        for (std::uint16_t i = 0; i < count; ++i) {
            auto const id = static_cast<std::uint16_t>(first + i);
            grants.grant(kGuest, GrantRef{1000u + id});
            rx.put(netif_rx_request_t{.id = id, .pad = 0, .gref = 1000u + id});
        }
    }
    // One byte, then pages, in pages granted from `ref` on.
    void put_with_odd_beginning(std::vector<std::byte> const& frame, std::uint32_t ref) {
        for (std::size_t done = 0, size = 1; done < frame.size(); done += size, ++ref) {
            if (done != 0) size = std::min<std::size_t>(frame.size() - done, 4096);
            std::memcpy(grants.grant(kGuest, GrantRef{ref}), frame.data() + done, size);
            tx.put(netif_tx_request_t{.gref = ref,
                                      .offset = 0,
                                      .flags = static_cast<std::uint16_t>(done + size < frame.size() ? NETTXF_more_data : 0),
                                      .id = static_cast<std::uint16_t>(ref),
                                      .size = static_cast<std::uint16_t>(done == 0 ? frame.size() : size)});
        }
    }
    void bridge_sends(TapHeader const& header, std::vector<std::byte> const& frame) {
        std::vector<std::byte> packet(sizeof header + frame.size());
        std::memcpy(packet.data(), &header, sizeof header);
        std::copy(frame.begin(), frame.end(), packet.begin() + sizeof header);
        REQUIRE(::send(bridge.get(), packet.data(), packet.size(), 0) == static_cast<ssize_t>(packet.size()));
    }
    // The next packet on the bridge, with its header; empty if there is none.
    std::vector<std::byte> bridge_receives() {
        std::vector<std::byte> packet(70000);
        auto const count = ::recv(bridge.get(), packet.data(), packet.size(), 0);
        packet.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return packet;
    }
};

std::vector<std::byte> frame_of(std::size_t size) {
    std::vector<std::byte> frame(size);
    for (std::size_t i = 0; i < size; ++i) frame[i] = static_cast<std::byte>(i * 7);
    return frame;
}

}  // namespace

TEST_CASE("a frame of the domain reaches the bridge, from all its slots", "[netbackd]") {
    Fixture f;
    auto const frame = frame_of(6000);
    std::memcpy(f.grants.grant(kGuest, GrantRef{20}) + 96, frame.data(), 4000);
    std::memcpy(f.grants.grant(kGuest, GrantRef{21}), frame.data() + 4000, 2000);
    f.tx.put(netif_tx_request_t{.gref = 20, .offset = 96, .flags = NETTXF_more_data, .id = 5, .size = 6000});
    f.tx.put(netif_tx_request_t{.gref = 21, .offset = 0, .flags = 0, .id = 6, .size = 2000});
    f.kick();
    auto const received = f.bridge_receives();
    REQUIRE(received.size() == sizeof(TapHeader) + 6000);
    CHECK(std::equal(frame.begin(), frame.end(), received.begin() + sizeof(TapHeader)));
    CHECK(f.tx.take()->status == NETIF_RSP_OKAY);
    CHECK(f.tx.take()->id == 6);
}

// As many as a batch has room for, each with whole pages behind an odd beginning. A socket keeps fewer than a tap: the rest is lost.
TEST_CASE("the largest frames reach the bridge", "[netbackd]") {
    Fixture f;
    constexpr std::uint32_t kFrames = 15, kSlots = 17;
    auto const frame = frame_of(65535);
    for (std::uint32_t number = 0; number < kFrames; ++number) f.put_with_odd_beginning(frame, 100 + number * kSlots);
    f.kick();
    for (int number = 0; number < 2; ++number) {
        auto const received = f.bridge_receives();
        REQUIRE(received.size() == sizeof(TapHeader) + frame.size());
        CHECK(std::equal(frame.begin(), frame.end(), received.begin() + sizeof(TapHeader)));
    }
    for (std::uint32_t slot = 0; slot < kFrames * kSlots; ++slot) {
        auto const answer = f.tx.take();
        REQUIRE(answer.has_value());
        CHECK((answer->status == NETIF_RSP_OKAY || (slot >= 2 * kSlots && answer->status == NETIF_RSP_DROPPED)));
    }
}

TEST_CASE("a frame from the bridge is spread over the domain's buffers", "[netbackd]") {
    Fixture f;
    f.post_buffers(0, 32);
    f.kick();
    auto const frame = frame_of(9000);
    f.bridge_sends({.flags = TapHeader::kNeedsChecksum, .gso_type = TapHeader::kGsoTcp4, .hdr_len = 54, .gso_size = 1448, .csum_start = 34, .csum_offset = 16}, frame);
    f.turn();
    auto const first = f.rx.take();
    REQUIRE(first.has_value());
    CHECK(first->flags == (NETRXF_csum_blank | NETRXF_data_validated | NETRXF_extra_info | NETRXF_more_data));
    CHECK(std::equal(frame.begin(), frame.begin() + 4096, f.grants.page(kGuest, GrantRef{1000})));
    REQUIRE(f.rx.take().has_value());  // the extra info
    CHECK(f.rx.take()->id == 2);
    CHECK(f.rx.take()->status == 808);
    CHECK(std::equal(frame.begin() + 8192, frame.end(), f.grants.page(kGuest, GrantRef{1003})));
    CHECK(f.events.ports().begin()->second.notified >= 1);
}

TEST_CASE("without buffers frames wait in the tap, and flow when buffers come", "[netbackd]") {
    Fixture f{1518};
    f.bridge_sends({}, frame_of(60));
    f.turn();
    CHECK(!f.rx.take().has_value());
    f.post_buffers(0, 2);
    f.kick();
    f.turn();
    CHECK(f.rx.take()->status == 60);
}

TEST_CASE("what waits in the tap goes back with the answer to the domain's frame, in one notification", "[netbackd]") {
    Fixture f{1518};
    f.post_buffers(0, 4);
    f.grants.grant(kGuest, GrantRef{20});
    f.tx.put(netif_tx_request_t{.gref = 20, .offset = 0, .flags = 0, .id = 1, .size = 60});
    f.bridge_sends({}, frame_of(61));
    f.kick();
    REQUIRE(f.rx.take().has_value());
    REQUIRE(f.tx.take().has_value());
    CHECK(f.events.ports().begin()->second.notified == 1);
}

TEST_CASE("of the tap as many frames are read as went out, but of a stream all", "[netbackd]") {
    Fixture f;
    f.post_buffers(0, 64);
    f.grants.grant(kGuest, GrantRef{20});
    auto const [first, second] = GENERATE(std::pair{60, 0}, std::pair{5000, 61});  // 0: the second frame waits for its turn
    f.tx.put(netif_tx_request_t{.gref = 20, .offset = 0, .flags = 0, .id = 1, .size = 60});
    f.bridge_sends({}, frame_of(static_cast<std::size_t>(first)));
    f.bridge_sends({}, frame_of(61));
    f.kick();
    for (int left = first; left > 0; left -= 4096) CHECK(f.rx.take()->status == std::min(left, 4096));
    auto const next = f.rx.take();
    CHECK((next ? next->status : 0) == second);
    f.turn();
    if (!next) CHECK(f.rx.take()->status == 61);
}

TEST_CASE("a domain that never stops to send lets the others have their turn", "[netbackd]") {
    Fixture f{1518};
    f.grants.grant(kGuest, GrantRef{20});
    int others = 0;
    NextTurn other = f.loop.make_next_turn([&] { ++others; });
    auto const send_on = [&] {
        while (f.tx.take()) {
        }
        f.tx.put(netif_tx_request_t{.gref = 20, .offset = 0, .flags = 0, .id = 1, .size = 60});
    };
    f.events.on_notify = send_on;
    send_on();
    f.kick();
    other.ask();
    f.loop.run_once(false);
    CHECK(others == 1);
    CHECK(f.tx.req_prod() > f.tx.rsp_prod());
}

TEST_CASE("an impossible receive index ends the connection when a frame comes", "[netbackd]") {
    Fixture f{1518};
    f.rx.req_prod() += 1000;
    f.bridge_sends({}, frame_of(60));
    f.turn();
    CHECK(f.failures.size() == 1);
    CHECK(f.events.ports().empty());
}

TEST_CASE("frames that are too large for what was agreed are dropped", "[netbackd]") {
    Fixture f{1518};
    f.post_buffers(0, 8);
    f.kick();
    f.bridge_sends({}, frame_of(5000));
    f.bridge_sends({}, frame_of(61));
    f.turn();
    CHECK(f.rx.take()->status == 61);
}

TEST_CASE("a buffer that was not granted costs the domain that packet only", "[netbackd]") {
    Fixture f{1518};
    f.rx.put(netif_rx_request_t{.id = 1, .pad = 0, .gref = 4444});
    f.post_buffers(2, 2);
    f.kick();
    f.bridge_sends({}, frame_of(60));
    f.bridge_sends({}, frame_of(61));
    f.turn();
    CHECK(f.rx.take()->status == NETIF_RSP_ERROR);
    CHECK(f.rx.take()->status == 61);
    CHECK(f.failures.empty());
}

TEST_CASE("bad packets of the domain are refused, bad chains end the connection", "[netbackd]") {
    Fixture f;
    f.tx.put(netif_tx_request_t{.gref = 7777, .offset = 0, .flags = 0, .id = 1, .size = 60});                  // not granted
    f.grants.grant(kGuest, GrantRef{20});
    f.tx.put(netif_tx_request_t{.gref = 20, .offset = 0, .flags = NETTXF_csum_blank, .id = 2, .size = 60});    // nothing to sum
    f.tx.put(netif_tx_request_t{.gref = 20, .offset = 0, .flags = 0, .id = 3, .size = 60});
    f.kick();
    CHECK(f.tx.take()->status == NETIF_RSP_ERROR);
    CHECK(f.tx.take()->status == NETIF_RSP_DROPPED);
    CHECK(f.tx.take()->status == NETIF_RSP_OKAY);
    CHECK(f.bridge_receives().size() == sizeof(TapHeader) + 60);
    CHECK(f.bridge_receives().empty());

    f.tx.put(netif_tx_request_t{.gref = 20, .offset = 0, .flags = NETTXF_more_data, .id = 4, .size = 60});
    f.kick();
    REQUIRE(f.failures.size() == 1);
    CHECK(f.events.ports().empty());
}

TEST_CASE("hostile rings lead nowhere", "[netbackd][property]") {
    Fixture f;
    for (std::uint32_t ref = 0; ref < 8; ++ref) f.grants.grant(kGuest, GrantRef{ref});
    test::attack(f.failures, [&](std::mt19937& rng) {
        f.tx.put(test::slot_of_bytes<netif_tx_request_t>([&] { return rng() % 8; }));
        f.rx.put(netif_rx_request_t{.id = 1, .pad = 0, .gref = static_cast<std::uint32_t>(rng() % 10)});
        if (rng() % 50 == 0) f.rx.req_prod() += static_cast<std::uint32_t>(rng());
        if (rng() % 4 == 0) f.bridge_sends({}, frame_of(60));
        f.kick();
        f.turn();
        while (!f.bridge_receives().empty()) {
        }
        while (f.tx.take()) {
        }
        while (f.rx.take()) {
        }
    });
}
