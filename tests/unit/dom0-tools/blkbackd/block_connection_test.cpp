// SPDX-License-Identifier: Apache-2.0
#include "tests/support/write_trap.hpp"
#include "tests/unit/dom0-tools/blkbackd/block_fixture.hpp"

using namespace hospes;
using namespace hospes::blkbackd;
using namespace hospes::test::block;

TEST_CASE("what is written is read back", "[blkbackd]") {
    Fixture f;
    f.page(20, 0x5a);
    auto const* const target = f.page(21, 0);
    f.put(BLKIF_OP_WRITE, 1, 16, 20);
    f.kick();
    f.engine.perform_all();
    f.expect(1, BLKIF_RSP_OKAY);
    f.put(BLKIF_OP_READ, 2, 16, 21);
    f.kick();
    f.engine.perform_all();
    f.expect(2, BLKIF_RSP_OKAY);
    CHECK(std::count(target, target + 4096, std::byte{0x5a}) == 4096);
    CHECK(f.events.ports().begin()->second.notified == 2);
}

TEST_CASE("a domain whose requests are answered at once, and that never stops, lets the others have their turn", "[blkbackd]") {
    Fixture f;
    int others = 0;
    NextTurn other = f.loop.make_next_turn([&] { ++others; });
    auto const ask_on = [&] {
        while (f.front.take()) {
        }
        for (std::size_t i = 0; i < f.front.slots(); ++i) f.put(77, i, 0, 20);
    };
    f.events.on_notify = ask_on;
    ask_on();
    f.kick();
    other.ask();
    f.loop.run_once(false);
    CHECK(others == 1);
    CHECK(f.front.req_prod() > f.front.rsp_prod());
}

TEST_CASE("a request that comes as the turn ends, before the ring is armed, is served in the next", "[blkbackd]") {
    Fixture f;
    std::uint64_t id = 0;
    for (; id + 1 < f.front.slots(); ++id) f.put(77, id, 0, 20);
    {
        test::WriteTrap const trap{f.mapped_ring, [&] { f.put(77, id++, 0, 20); }};  // its first write is the one that arms the ring
        f.kick();
        REQUIRE(trap.has_sprung());
    }
    f.turns(1);
    REQUIRE(id == f.front.slots());
    for (std::uint64_t answered = 0; answered < id; ++answered) f.expect(answered, BLKIF_RSP_EOPNOTSUPP);
}

TEST_CASE("what was read and written is counted, what failed is not", "[blkbackd]") {
    Fixture f;
    f.connection.reset();
    f.counters.emplace(*DiskCounters::create(f.folder.path(), kGuest, 1));
    f.connect();
    f.page(20, 1);
    f.put(BLKIF_OP_WRITE, 1, 16, 20);
    f.put(BLKIF_OP_READ, 2, 16, 20);
    f.put(BLKIF_OP_READ, 3, kSectors, 20);  // behind the end
    f.kick();
    f.engine.perform_all();
    auto const totals = DiskCounters::read(f.folder.path(), kGuest, 1);
    REQUIRE(totals);
    CHECK(totals->reads == 1);
    CHECK(totals->read_bytes == 4096);
    CHECK(totals->writes == 1);
    CHECK(totals->written_bytes == 4096);
}

TEST_CASE("segments of parts of pages are put together in order", "[blkbackd]") {
    Fixture f;
    auto* const one = f.page(20, 1);
    auto* const two = f.page(21, 2);
    blkif_request_t request{};
    request.operation = BLKIF_OP_WRITE;
    request.nr_segments = 2;
    request.seg[0] = {.gref = 20, .first_sect = 7, .last_sect = 7};
    request.seg[1] = {.gref = 21, .first_sect = 0, .last_sect = 1};
    f.front.put(request);
    f.kick();
    f.engine.perform_all();
    auto const content = f.content(2048);
    CHECK(content[0] == one[4095]);
    CHECK(content[511] == std::byte{1});
    CHECK(content[512] == two[0]);
    CHECK(content[1535] == std::byte{2});
    CHECK(content[1536] == std::byte{0});
}

TEST_CASE("an indirect request reads its segments from the pages it names", "[blkbackd]") {
    Fixture f;
    auto* const table = f.page(30, 0);
    for (std::uint32_t i = 0; i < 64; ++i) {
        f.page(100 + i, static_cast<int>(i));
        f.describe(table, i, 100 + i);
    }
    f.put_indirect(BLKIF_OP_WRITE, 9, 30, 64);
    f.kick_and_perform();
    auto const response = f.front.take();
    REQUIRE(response.has_value());
    CHECK(response->status == BLKIF_RSP_OKAY);
    CHECK(response->operation == BLKIF_OP_WRITE);
    CHECK(f.content(64 * 4096).back() == std::byte{63});
}

TEST_CASE("what a connection has under way is bounded, the rest stays in the ring until there is room", "[blkbackd]") {
    Fixture f;
    auto* const table = f.page(30, 0);
    f.page(100, 7);
    for (std::uint32_t i = 0; i < kMaxIndirectSegments; ++i) f.describe(table, i, 100);
    constexpr std::size_t kMegabyte = 1 << 20;
    REQUIRE(f.front.slots() * kMegabyte > kMaxBytesOfConnection);
    for (std::size_t id = 0; id < f.front.slots(); ++id) f.put_indirect(BLKIF_OP_WRITE, id, 30, kMaxIndirectSegments);
    f.kick();
    auto const of_first_turn = f.engine.pending.size();
    CHECK(of_first_turn * kMegabyte <= 4 * kMegabyte);

    f.turns(20);
    CHECK(f.engine.pending.size() * kMegabyte == kMaxBytesOfConnection);
    CHECK(f.buffers.bytes_in_use() == kMaxBytesOfConnection);
    f.kick();
    CHECK(f.engine.pending.size() * kMegabyte == kMaxBytesOfConnection);

    std::size_t answered = 0;
    for (; answered < f.front.slots() && !f.engine.pending.empty(); ++answered) {
        f.engine.perform(0);
        f.expect(answered, BLKIF_RSP_OKAY);
        f.turns(1);
        CHECK(f.engine.pending.size() * kMegabyte <= kMaxBytesOfConnection);
    }
    CHECK(answered == f.front.slots());
    CHECK(f.buffers.bytes_in_use() == 0);
}

TEST_CASE("where the others have all there is under way, a connection goes on with a mebibyte of its own", "[blkbackd]") {
    Fixture f;
    auto others = f.buffers.take(kMaxBytesOfAll);
    f.page(20, 1);
    auto* const table = f.page(30, 0);
    for (std::uint32_t i = 0; i < kMaxIndirectSegments; ++i) f.describe(table, i, 20);
    static_assert(kBytesOfItsOwn == kMaxIndirectSegments * 4096);
    for (std::uint64_t id = 0; id < 6; ++id) f.put_indirect(id % 2 == 0 ? BLKIF_OP_READ : BLKIF_OP_WRITE, id, 30, kMaxIndirectSegments);
    f.kick();
    for (std::uint64_t id = 0; id < 3; ++id) {
        REQUIRE(f.engine.pending.size() == 1);
        f.engine.perform(0);
        f.expect(id, BLKIF_RSP_OKAY);
        f.turns(1);
    }
    others.reset();
    f.engine.perform(0);
    f.turns(1);
    CHECK(f.engine.pending.size() == 2);
}

TEST_CASE("where the others have all there is under way, small requests need not wait for each other", "[blkbackd]") {
    Fixture f;
    auto const others = f.buffers.take(kMaxBytesOfAll);
    f.page(20, 1);
    for (std::uint64_t id = 0; id < 6; ++id) f.put(BLKIF_OP_READ, id, 0, 20);
    f.kick();
    CHECK(f.engine.pending.size() == 6);
}

TEST_CASE("a connection has few flushes under way, with data or without, and all are answered", "[blkbackd]") {
    Fixture f;
    f.page(20, 1);
    std::uint64_t const count = f.front.slots();
    for (std::uint64_t id = 0; id < count; ++id) {
        blkif_request_t request{};
        request.operation = BLKIF_OP_FLUSH_DISKCACHE;
        request.id = id;
        request.nr_segments = id % 2;
        request.seg[0] = {.gref = 20, .first_sect = 0, .last_sect = 7};
        f.front.put(request);
    }
    f.kick();
    CHECK(f.engine.pending.size() == kMaxSlowOfConnection);
    for (std::uint64_t answered = 0; answered < count;) {
        REQUIRE(!f.engine.pending.empty());
        CHECK(f.engine.pending.size() <= kMaxSlowOfConnection);
        f.engine.perform(0);
        f.turns(1);
        while (f.front.take()) ++answered;
    }
    CHECK(f.engine.pending.empty());
}

TEST_CASE("a request whose data cannot be had keeps no room", "[blkbackd]") {
    Fixture f;
    auto const others = f.buffers.take(kMaxBytesOfAll);
    for (std::uint64_t id = 0; id < 6; ++id) f.put(BLKIF_OP_WRITE, id, 0, 999);  // never granted
    f.kick();
    for (std::uint64_t id = 0; id < 6; ++id) f.expect(id, BLKIF_RSP_ERROR);
}

TEST_CASE("requests that make no sense are answered with an error, and only they", "[blkbackd]") {
    Fixture f;
    f.page(20, 1);
    f.put(BLKIF_OP_WRITE, 1, kSectors - 7, 20);   // over the end
    f.put(BLKIF_OP_WRITE, 2, UINT64_MAX - 3, 20);
    f.put(BLKIF_OP_WRITE, 3, 0, 999);             // never granted
    f.put(77, 4, 0, 20);
    f.put(BLKIF_OP_WRITE, 5, 0, 20);
    f.kick();
    f.engine.perform_all();
    f.expect(1, BLKIF_RSP_ERROR);
    f.expect(2, BLKIF_RSP_ERROR);
    f.expect(3, BLKIF_RSP_ERROR);
    f.expect(4, BLKIF_RSP_EOPNOTSUPP);
    f.expect(5, BLKIF_RSP_OKAY);
    CHECK(f.failures.empty());
}

TEST_CASE("nothing is written to a read-only disk", "[blkbackd]") {
    Fixture f{DiskMode::read_only};
    f.page(20, 1);
    f.put(BLKIF_OP_WRITE, 1, 0, 20);
    f.put(BLKIF_OP_READ, 2, 0, 20);
    f.kick();
    f.engine.perform_all();
    f.expect(1, BLKIF_RSP_ERROR);
    f.expect(2, BLKIF_RSP_OKAY);
}

TEST_CASE("a flush that carries data flushes, writes and flushes, and is answered then", "[blkbackd]") {
    Fixture f;
    f.page(20, 9);
    f.put(BLKIF_OP_FLUSH_DISKCACHE, 1, 8, 20);
    f.kick();
    for (int const written : {0, 9, 9}) {
        REQUIRE(f.engine.pending.size() == 1);
        CHECK(!f.front.take());
        f.engine.perform(0);
        CHECK(f.content(8192).back() == static_cast<std::byte>(written));
    }
    CHECK(f.engine.pending.empty());
    f.expect(1, BLKIF_RSP_OKAY);
    CHECK(f.buffers.bytes_in_use() == 0);
}

TEST_CASE("a flush that carries data to where it cannot be written is an error", "[blkbackd]") {
    auto const mode = GENERATE(DiskMode::read_only, DiskMode::read_write);
    Fixture f{mode};
    f.page(20, 9);
    f.put(BLKIF_OP_FLUSH_DISKCACHE, 1, mode == DiskMode::read_only ? 0 : kSectors, 20);
    blkif_request_t without_data{};
    without_data.operation = BLKIF_OP_FLUSH_DISKCACHE;
    without_data.id = 2;
    f.front.put(without_data);
    f.kick_and_perform();
    f.expect(1, BLKIF_RSP_ERROR);
    f.expect(2, BLKIF_RSP_OKAY);
}

TEST_CASE("answers keep the order of the ring, whichever I/O ends first", "[blkbackd]") {
    Fixture f;
    f.page(20, 1);
    for (std::uint64_t id = 1; id <= 3; ++id) f.put(BLKIF_OP_READ, id, 0, 20);
    f.kick();
    REQUIRE(f.engine.pending.size() == 3);
    f.engine.perform(2);
    f.engine.perform(1);
    CHECK(!f.front.take());
    f.engine.perform(0);
    f.expect(1, BLKIF_RSP_OKAY);
    f.expect(2, BLKIF_RSP_OKAY);
    f.expect(3, BLKIF_RSP_OKAY);
}

TEST_CASE("a successor serves what the dead backend left unanswered", "[blkbackd]") {
    Fixture f;
    f.page(20, 0x77);
    f.put(BLKIF_OP_WRITE, 1, 0, 20);
    f.put(BLKIF_OP_WRITE, 2, 8, 20);
    f.kick();
    f.engine.perform(1);     // done on the disk, not answered: the first one is not
    f.connection.reset();    // killed
    f.engine.pending.clear();
    f.connect();
    f.engine.perform_all();
    f.expect(1, BLKIF_RSP_OKAY);
    f.expect(2, BLKIF_RSP_OKAY);
    CHECK(!f.front.take());
}

TEST_CASE("a connection that ends in the middle of I/O leaves nothing behind", "[blkbackd]") {
    Fixture f;
    f.page(20, 1);
    f.put(BLKIF_OP_READ, 1, 0, 20);
    f.put(BLKIF_OP_WRITE, 2, 0, 20);
    f.kick();
    f.connection.reset();
    CHECK(f.grants.mapped_pages() == 0);
    CHECK(f.events.ports().empty());
    f.engine.perform_all();  // the kernel ends later: memory and disk are still there
    CHECK(!f.front.take());
}

TEST_CASE("an I/O error is the frontend's to know", "[blkbackd]") {
    Fixture f;
    f.page(20, 1);
    f.put(BLKIF_OP_READ, 1, 0, 20);
    f.kick();
    f.engine.next_error = EIO;
    f.engine.perform_all();
    f.expect(1, BLKIF_RSP_ERROR);
}

TEST_CASE("an impossible index ends the connection with a reason", "[blkbackd]") {
    Fixture f;
    f.front.req_prod() = 1000;
    f.kick();
    REQUIRE(f.failures.size() == 1);
    CHECK(f.failures[0].find("index") != std::string::npos);
    CHECK(f.events.ports().empty());
}
