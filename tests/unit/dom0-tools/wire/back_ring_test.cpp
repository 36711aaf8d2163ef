// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/back_ring.hpp"

#include "tests/support/front_ring.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace hospes::wire;
using hospes::test::FrontTxRing;

namespace {

struct alignas(4096) Page {
    std::byte bytes[4096]{};
};

netif_tx_request_t request(std::uint16_t id) {
    netif_tx_request_t result{};
    result.id = id;
    return result;
}

}  // namespace

TEST_CASE("requests are taken once and in order, responses come back", "[wire][ring]") {
    Page page;
    FrontTxRing front{page.bytes, sizeof page};
    NetTxRing back{page.bytes, sizeof page};
    front.put(request(7));
    front.put(request(8));
    netif_tx_request_t taken;
    REQUIRE(back.take(taken) == RingState::ok);
    CHECK(taken.id == 7);
    REQUIRE(back.take(taken) == RingState::ok);
    CHECK(taken.id == 8);
    CHECK(back.take(taken) == RingState::empty);
    back.answer({.id = 7, .status = 0});
    CHECK(!front.take());  // not yet published
    CHECK(back.publish());
    CHECK(front.take()->id == 7);
    CHECK(!back.publish());  // nothing new
}

TEST_CASE("the frontend is notified exactly when it asked to be", "[wire][ring]") {
    Page page;
    FrontTxRing front{page.bytes, sizeof page};
    NetTxRing back{page.bytes, sizeof page};
    netif_tx_request_t taken;
    for (std::uint16_t i = 0; i < 4; ++i) {
        front.put(request(i));
        REQUIRE(back.take(taken) == RingState::ok);
    }
    front.rsp_event() = 3;
    back.answer({});
    back.answer({});
    CHECK(!back.publish());
    back.answer({});
    CHECK(back.publish());
    back.answer({});
    CHECK(!back.publish());
}

TEST_CASE("arming tells of requests that came while we went to sleep", "[wire][ring]") {
    Page page;
    FrontTxRing front{page.bytes, sizeof page};
    NetTxRing back{page.bytes, sizeof page};
    CHECK(!back.arm(2));
    CHECK(front.req_event() == 2);
    front.put(request(1));
    CHECK(!back.arm(2));
    CHECK(back.arm(1));
}

TEST_CASE("a request index beyond what the ring can hold is an error", "[wire][ring]") {
    Page page;
    FrontTxRing front{page.bytes, sizeof page};
    NetTxRing back{page.bytes, sizeof page};
    netif_tx_request_t taken;
    front.req_prod() = GENERATE(257u, 1u << 20, 0xffffffffu);
    CHECK(back.take(taken) == RingState::broken);
}

TEST_CASE("no more than one ring of requests is ever unanswered", "[wire][ring]") {
    Page page;
    FrontTxRing front{page.bytes, sizeof page};
    NetTxRing back{page.bytes, sizeof page};
    netif_tx_request_t taken;
    for (std::uint16_t i = 0; i < 256; ++i) front.put(request(i));
    for (int i = 0; i < 256; ++i) REQUIRE(back.take(taken) == RingState::ok);
    CHECK(back.take(taken) == RingState::empty);
    front.put(request(0));  // over a slot that is still ours
    CHECK(back.take(taken) == RingState::broken);
}

TEST_CASE("a backend that starts anew takes the requests that its predecessor did not answer", "[wire][ring]") {
    Page page;
    FrontTxRing front{page.bytes, sizeof page};
    netif_tx_request_t taken;
    {
        NetTxRing first{page.bytes, sizeof page};
        for (std::uint16_t i = 0; i < 5; ++i) front.put(request(i));
        for (int i = 0; i < 4; ++i) REQUIRE(first.take(taken) == RingState::ok);
        first.answer({.id = 0, .status = 0});
        CHECK(first.publish());
    }
    NetTxRing second{page.bytes, sizeof page};
    for (std::uint16_t i = 1; i < 5; ++i) {
        REQUIRE(second.take(taken) == RingState::ok);
        CHECK(taken.id == i);
    }
    CHECK(second.take(taken) == RingState::empty);
}

TEST_CASE("indices run over the end of 32 bits", "[wire][ring]") {
    Page page;
    FrontTxRing front{page.bytes, sizeof page};
    front.req_prod() = front.rsp_prod() = 0xfffffffe;
    NetTxRing back{page.bytes, sizeof page};
    netif_tx_request_t taken;
    for (std::uint16_t i = 0; i < 4; ++i) front.put(request(i));
    for (std::uint16_t i = 0; i < 4; ++i) {
        REQUIRE(back.take(taken) == RingState::ok);
        CHECK(taken.id == i);
        back.answer({});
    }
    CHECK(back.publish() == (front.rsp_event() - 0xfffffffe <= 4));
    CHECK(front.rsp_prod() == 2);
}

TEST_CASE("whatever a frontend writes into the header, the backend stays within its ring", "[wire][ring][property]") {
    auto const seed = GENERATE(take(50, random(0u, UINT32_MAX)));
    INFO("seed " << seed);
    std::mt19937 rng{seed};
    Page page;
    BlkRing back{page.bytes, sizeof page};
    blkif_request_t taken;
    for (int step = 0; step < 500; ++step) {
        page.bytes[rng() % 16] = static_cast<std::byte>(rng() % 3 == 0 ? rng() : rng() % 40);
        if (back.take(taken) == RingState::ok && rng() % 2 != 0) back.answer({});
        REQUIRE(back.unanswered() <= back.slots());
        (void)back.publish();
        (void)back.arm(static_cast<std::uint32_t>(rng() % 40));
    }
}
