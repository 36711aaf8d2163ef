// SPDX-License-Identifier: Apache-2.0
// Connections whose frontend names the same granted pages again and again: the kernel moves their data itself.
#include "tests/support/hostile_ring.hpp"
#include "tests/unit/dom0-tools/blkbackd/block_fixture.hpp"

using namespace hospes;
using namespace hospes::blkbackd;
using namespace hospes::test::block;

namespace {

struct PersistentFixture : Fixture {
    PersistentFixture() : Fixture{DiskMode::read_write, GrantUse::persistent} {}

    // Segments of whole pages.
    void put_many(std::uint8_t operation, std::uint64_t id, std::uint64_t sector, std::vector<std::uint32_t> const& refs) {
        blkif_request_t request{};
        request.operation = operation;
        request.id = id;
        request.sector_number = sector;
        for (auto const ref : refs) request.seg[request.nr_segments++] = {.gref = ref, .first_sect = 0, .last_sect = 7};
        front.put(request);
    }
    std::size_t data_pages() const { return grants.mapped_pages() - 1; }  // without the ring
    int data_maps() const { return grants.map_calls - 1; }
};

bool is_full_of(std::byte const* page, int value) { return std::count(page, page + 4096, static_cast<std::byte>(value)) == 4096; }

}  // namespace

TEST_CASE("a page that is named again and again is mapped once, and no data is copied", "[blkbackd][grants]") {
    PersistentFixture f;
    auto* const page = f.page(20, 0);
    for (int round = 1; round <= 3; ++round) {
        std::fill_n(page, 4096, static_cast<std::byte>(round));
        f.put(BLKIF_OP_WRITE, 1, 8, 20);
        f.kick_and_perform();
        f.expect(1, BLKIF_RSP_OKAY);
        std::fill_n(page, 4096, std::byte{0});
        f.put(BLKIF_OP_READ, 2, 8, 20);
        f.kick_and_perform();
        f.expect(2, BLKIF_RSP_OKAY);
        CHECK(is_full_of(page, round));
    }
    CHECK(f.data_maps() == 1);
    CHECK(f.grants.copy_calls == 0);
}

TEST_CASE("only what a request names for the first time is mapped, all of it at once, and the data keeps its order", "[blkbackd][grants]") {
    PersistentFixture f;
    for (std::uint32_t ref = 20; ref < 25; ++ref) f.page(ref, static_cast<int>(ref));
    f.put_many(BLKIF_OP_WRITE, 1, 0, {22});
    f.put_many(BLKIF_OP_WRITE, 2, 8, {24, 22, 21, 20, 23});
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_OKAY);
    f.expect(2, BLKIF_RSP_OKAY);
    CHECK(f.data_maps() == 2);
    CHECK(f.data_pages() == 5);
    auto const content = f.content(6 * 4096);
    std::array const order{22, 24, 22, 21, 20, 23};
    for (std::size_t i = 0; i < order.size(); ++i) CHECK(is_full_of(content.data() + i * 4096, order[i]));
}

TEST_CASE("pages that were mapped together may be named in any order", "[blkbackd][grants]") {
    PersistentFixture f;
    for (std::uint32_t ref = 20; ref < 25; ++ref) f.page(ref, static_cast<int>(ref));
    f.put_many(BLKIF_OP_WRITE, 1, 0, {21, 22, 23});
    f.put_many(BLKIF_OP_WRITE, 2, 0, {20, 24});
    using Order = std::vector<std::uint32_t>;
    auto const order = GENERATE(Order{23, 22, 21, 20, 24}, Order{21, 21, 22, 22, 23}, Order{20, 21, 22, 24, 23}, Order{22, 23, 22, 21, 22}, Order{24, 20, 20, 24, 21});
    f.put_many(BLKIF_OP_WRITE, 3, 0, order);
    f.kick_and_perform();
    for (std::uint64_t id = 1; id <= 3; ++id) f.expect(id, BLKIF_RSP_OKAY);
    auto const content = f.content(order.size() * 4096);
    for (std::size_t i = 0; i < order.size(); ++i) CHECK(is_full_of(content.data() + i * 4096, static_cast<int>(order[i])));
    CHECK(f.data_maps() == 2);
}

TEST_CASE("parts of pages go where they belong", "[blkbackd][grants]") {
    PersistentFixture f;
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

TEST_CASE("a page that is named twice in one request is mapped once", "[blkbackd][grants]") {
    PersistentFixture f;
    f.page(20, 5);
    f.put_many(BLKIF_OP_WRITE, 1, 0, {20, 20});
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_OKAY);
    CHECK(f.data_pages() == 1);
    CHECK(is_full_of(f.content(8192).data() + 4096, 5));
}

TEST_CASE("descriptors are read where they are mapped, anew for each request", "[blkbackd][grants]") {
    PersistentFixture f;
    auto* const table = f.page(30, 0);
    for (std::uint32_t ref = 20; ref < 24; ++ref) f.page(ref, static_cast<int>(ref));
    for (std::uint32_t const first : {20, 22}) {
        for (std::uint32_t i = 0; i < 2; ++i) f.describe(table, i, first + i);
        f.put_indirect(BLKIF_OP_WRITE, first, 30, 2);
        f.kick_and_perform();
        f.expect(first, BLKIF_RSP_OKAY);
        CHECK(is_full_of(f.content(8192).data() + 4096, static_cast<int>(first) + 1));
    }
    CHECK(f.grants.copy_calls == 0);
    CHECK(f.data_pages() == 5);
}

TEST_CASE("descriptors that cannot be mapped are copied", "[blkbackd][grants]") {
    PersistentFixture f;
    f.describe(f.page(30, 0), 0, 20);
    f.page(20, 5);
    f.grants.map_error = ENOMEM;
    f.put_indirect(BLKIF_OP_WRITE, 1, 30, 1);
    f.put_indirect(BLKIF_OP_WRITE, 2, 999, 1);
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_OKAY);
    f.expect(2, BLKIF_RSP_ERROR);
    CHECK(is_full_of(f.content(4096).data(), 5));
}

TEST_CASE("a page that we may only read is written to the disk, never read into", "[blkbackd][grants]") {
    PersistentFixture f;
    auto const* const page = f.page(20, 5, true);
    f.put(BLKIF_OP_WRITE, 1, 0, 20);
    f.put(BLKIF_OP_READ, 2, 8, 20);
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_OKAY);
    f.expect(2, BLKIF_RSP_ERROR);
    CHECK(is_full_of(page, 5));
    CHECK(is_full_of(f.content(4096).data(), 5));
}

TEST_CASE("a frontend that names what it has not granted is told so, and has what it names later copied", "[blkbackd][grants]") {
    PersistentFixture f;
    f.page(20, 5);
    f.page(21, 6);
    f.put(BLKIF_OP_WRITE, 1, 0, 20);
    f.put(BLKIF_OP_WRITE, 2, 8, 999);
    f.put(BLKIF_OP_WRITE, 3, 16, 20);
    f.put(BLKIF_OP_WRITE, 4, 24, 21);
    f.put(BLKIF_OP_WRITE, 5, 32, 998);
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_OKAY);
    f.expect(2, BLKIF_RSP_ERROR);
    f.expect(3, BLKIF_RSP_OKAY);
    f.expect(4, BLKIF_RSP_OKAY);
    f.expect(5, BLKIF_RSP_ERROR);
    CHECK(f.data_maps() == 2);  // the second was refused: no further ones are tried
    CHECK(f.data_pages() == 1);
}

TEST_CASE("what cannot be mapped for want of memory is copied, and mapped the next time", "[blkbackd][grants]") {
    PersistentFixture f;
    f.page(20, 5);
    f.grants.map_error = ENOMEM;
    f.put(BLKIF_OP_WRITE, 1, 0, 20);
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_OKAY);
    CHECK(f.data_pages() == 0);
    f.put(BLKIF_OP_WRITE, 2, 0, 20);
    f.kick_and_perform();
    f.expect(2, BLKIF_RSP_OKAY);
    CHECK(f.data_pages() == 1);
}

TEST_CASE("pages stay mapped until the kernel has done with them, even without a connection", "[blkbackd][grants]") {
    PersistentFixture f;
    f.page(20, 5);
    f.page(21, 6);
    f.put(BLKIF_OP_WRITE, 1, 0, 20);
    f.put(BLKIF_OP_READ, 2, 8, 21);
    f.kick();
    f.connection.reset();
    CHECK(f.grants.mapped_pages() == 2);
    f.engine.perform_all();
    CHECK(f.grants.mapped_pages() == 0);
    CHECK(is_full_of(f.content(4096).data(), 5));
    CHECK(!f.front.take());
}

TEST_CASE("more pages than are kept are served all the same", "[blkbackd][grants]") {
    PersistentFixture f;
    for (std::uint32_t i = 0; i < 300; ++i) {
        f.page(100 + i, static_cast<int>(i % 251));
        f.put(BLKIF_OP_WRITE, i, i % 4 * 8, 100 + i);
        f.kick_and_perform();
        f.expect(i, BLKIF_RSP_OKAY);
        REQUIRE(is_full_of(f.content(4 * 4096).data() + i % 4 * 4096, static_cast<int>(i % 251)));
    }
    CHECK(f.data_pages() <= PersistentGrants::kMaxBatches);
}

TEST_CASE("a hostile ring leads nowhere", "[blkbackd][property]") {
    Fixture f{DiskMode::read_write, GENERATE(GrantUse::once, GrantUse::persistent)};
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
