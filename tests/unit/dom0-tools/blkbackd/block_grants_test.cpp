// SPDX-License-Identifier: Apache-2.0
// What a block connection may do with a domain's pages: nothing stays mapped, and each request sees them as they are when it is served.
#include "tests/support/hostile_ring.hpp"
#include "tests/unit/dom0-tools/blkbackd/block_fixture.hpp"

using namespace hospes;
using namespace hospes::blkbackd;
using namespace hospes::test::block;

namespace {

bool is_full_of(std::byte const* page, int value) { return std::count(page, page + 4096, static_cast<std::byte>(value)) == 4096; }

}  // namespace

TEST_CASE("all data of a request is copied by one call, and no page of a domain but the ring's is mapped", "[blkbackd][grants]") {
    Fixture f;
    blkif_request_t request{};
    request.operation = BLKIF_OP_WRITE;
    request.nr_segments = 5;
    std::array const order{24, 22, 21, 20, 23};
    for (std::size_t i = 0; i < order.size(); ++i) {
        f.page(static_cast<std::uint32_t>(order[i]), order[i]);
        request.seg[i] = {.gref = static_cast<grant_ref_t>(order[i]), .first_sect = 0, .last_sect = 7};
    }
    f.front.put(request);
    f.kick();
    CHECK(f.grants.copy_calls == 1);
    CHECK(f.grants.mapped_pages() == 1);
    f.engine.perform_all();
    f.expect(0, BLKIF_RSP_OKAY);
    auto const content = f.content(order.size() * 4096);
    for (std::size_t i = 0; i < order.size(); ++i) CHECK(is_full_of(content.data() + i * 4096, order[i]));
}

TEST_CASE("parts of pages go where they belong", "[blkbackd][grants]") {
    Fixture f;
    auto* const one = f.page(20, 1);
    auto* const two = f.page(21, 2);
    for (auto const operation : {BLKIF_OP_WRITE, BLKIF_OP_READ}) {
        blkif_request_t request{};
        request.operation = static_cast<std::uint8_t>(operation);
        request.nr_segments = 2;
        request.seg[0] = {.gref = 20, .first_sect = 7, .last_sect = 7};
        request.seg[1] = {.gref = 21, .first_sect = 1, .last_sect = 2};
        f.front.put(request);
        f.kick_and_perform();
        f.expect(0, BLKIF_RSP_OKAY);
        auto const content = f.content(1537);
        CHECK(content[511] == std::byte{1});
        CHECK(content[512] == std::byte{2});
        CHECK(content[1535] == std::byte{2});
        CHECK(content[1536] == std::byte{0});
        CHECK(is_full_of(one, 1));
        CHECK(is_full_of(two, 2));
    }
}

TEST_CASE("descriptors are read anew for each request", "[blkbackd][grants]") {
    Fixture f;
    auto* const table = f.page(30, 0);
    for (std::uint32_t ref = 20; ref < 24; ++ref) f.page(ref, static_cast<int>(ref));
    for (std::uint32_t const first : {20, 22}) {
        for (std::uint32_t i = 0; i < 2; ++i) f.describe(table, i, first + i);
        f.put_indirect(BLKIF_OP_WRITE, first, 30, 2);
        f.kick_and_perform();
        f.expect(first, BLKIF_RSP_OKAY);
        CHECK(is_full_of(f.content(8192).data() + 4096, static_cast<int>(first) + 1));
    }
}

TEST_CASE("descriptors in a page that is not granted are an error", "[blkbackd][grants]") {
    Fixture f;
    f.put_indirect(BLKIF_OP_WRITE, 1, 999, 1);
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_ERROR);
}

TEST_CASE("a page that we may only read is written to the disk, never read into", "[blkbackd][grants]") {
    Fixture f;
    auto const* const page = f.page(20, 5, true);
    f.put(BLKIF_OP_WRITE, 1, 0, 20);
    f.put(BLKIF_OP_READ, 2, 8, 20);
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_OKAY);
    f.expect(2, BLKIF_RSP_ERROR);
    CHECK(is_full_of(page, 5));
    CHECK(is_full_of(f.content(4096).data(), 5));
}

TEST_CASE("a hostile ring leads nowhere", "[blkbackd][property]") {
    Fixture f;
    for (std::uint32_t ref = 0; ref < 8; ++ref) f.page(20 + ref, 1);
    hospes::test::attack(f.failures, [&](std::mt19937& rng) {
        auto request = hospes::test::slot_of_bytes<blkif_request_t>([&] { return rng() % 3 == 0 ? 20 + rng() % 8 : rng() % 8; });
        if (rng() % 2 != 0) request.sector_number = rng() % kSectors;
        if (rng() % 2 != 0)
            for (auto& segment : request.seg) segment.gref = 20 + static_cast<std::uint32_t>(rng() % (rng() % 50 == 0 ? 12 : 8));
        f.front.put(request);
        if (rng() % 100 == 0) f.front.req_prod() += 1000;
        if (rng() % 20 == 0) f.grants.revoke(kGuest, GrantRef{20 + static_cast<std::uint32_t>(rng() % 8)});
        if (rng() % 10 == 0) f.page(20 + static_cast<std::uint32_t>(rng() % 8), 1, rng() % 4 == 0);
        f.kick();
        while (!f.engine.pending.empty() && rng() % 4 != 0) f.engine.perform(rng() % f.engine.pending.size());
        while (f.front.take()) {
        }
        REQUIRE(f.connection->in_flight() <= 32);
    });
    f.engine.perform_all();
}
