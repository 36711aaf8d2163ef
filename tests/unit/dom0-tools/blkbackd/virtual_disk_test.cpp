// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/virtual_disk.hpp"

#include "tests/support/fake_event_channels.hpp"
#include "tests/support/fake_grants.hpp"
#include "tests/support/front_ring.hpp"
#include "tests/support/slow_engine.hpp"
#include "tests/support/temporary_folder.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

using namespace hospes;
using namespace hospes::blkbackd;

namespace {

constexpr DomId kGuest{5};
std::string const kOwn = "/local/domain/0/backend/vbd/5/51712";
std::string const kFront = "/local/domain/5/device/vbd/51712";

struct Fixture {
    xenstore::MemoryStore memory;
    xenstore::Client store = memory.connect();
    std::optional<backend::DeviceNodes> nodes;

    Fixture() {
        REQUIRE(store.write(kOwn + "/frontend", kFront));
        nodes = *backend::DeviceNodes::open(store, "vbd", {kGuest, 51712});
    }
    EventLoop loop;
    test::FakeEventChannels events;
    test::FakeGrants grants;
    test::block::SlowEngine engine;
    BufferPool buffers{{}};

    // As a back end that is started has it, before the frontend looks.
    VirtualDisk disk() { return VirtualDisk{{loop, events, grants, engine, buffers}, *nodes, {}}; }
};

// A domain beside its disk.
struct Connected : Fixture {
    test::TemporaryFolder folder;
    std::byte* ring_page = grants.grant(kGuest, GrantRef{8});
    test::FrontBlkRing front{ring_page, 4096};

    Connected() {
        auto const path = folder.path() + "/disk.img";
        std::ofstream{path} << std::string(8192, 'd');
        events.offer(kGuest, EventPort{2});
        REQUIRE(store.write(kOwn + "/params", path));
        REQUIRE(store.write(kOwn + "/mode", "w"));
        REQUIRE(store.write(kFront + "/ring-ref", "8"));
        REQUIRE(store.write(kFront + "/event-channel", "2"));
    }
};

}  // namespace

TEST_CASE("what the domain discards is kept where the tool stack says so", "[blkbackd][disk]") {
    Connected f;
    auto const enable = GENERATE(std::optional<char const*>{}, std::optional<char const*>{"1"}, std::optional<char const*>{"0"});
    bool const is_kept = enable && std::string_view{*enable} == "0";
    if (enable) REQUIRE(f.store.write(kOwn + "/discard-enable", *enable));
    blkif_request_discard_t discard{};
    discard.operation = BLKIF_OP_DISCARD;
    discard.nr_sectors = 8;
    f.front.put(discard);

    auto disk = f.disk();
    REQUIRE(disk.open() == true);
    REQUIRE(disk.connect());
    CHECK(f.store.exists(kOwn + "/feature-discard") == !is_kept);
    CHECK(f.engine.pending.size() == (is_kept ? 0 : 1));
    if (is_kept) CHECK(f.front.take().value().status == BLKIF_RSP_EOPNOTSUPP);
    disk.disconnect();
    f.engine.pending.clear();
}

TEST_CASE("a protocol that is not served is refused, and not repeated", "[blkbackd][disk]") {
    Connected f;
    REQUIRE(f.store.write(kFront + "/protocol", "\x1b[2Jx86_32-abi\n" + std::string(1000, 'A')));
    auto disk = f.disk();
    REQUIRE(disk.open() == true);
    auto const connected = disk.connect();
    REQUIRE_FALSE(connected);
    auto const& message = connected.error().message();
    CHECK(message.find("x86_32") == std::string::npos);
    CHECK(std::ranges::all_of(message, [](unsigned char c) { return c >= ' ' && c < 127; }));
}

TEST_CASE("a frontend is not asked to keep its pages granted: it would copy all its data into them", "[blkbackd][grants]") {
    Fixture f;
    REQUIRE(f.disk().probe());
    CHECK(*f.store.read(kOwn + "/feature-persistent") == "0");
}

TEST_CASE("a disk that both say is shareable is open twice, otherwise the second waits", "[blkbackd][disk]") {
    test::TemporaryFolder folder;
    auto const path = folder.path() + "/disk.img";
    std::ofstream{path} << std::string(512, 'd');
    Fixture f;
    REQUIRE(f.store.write(kOwn + "/params", path));
    auto const [mode, shareable] = GENERATE(table<char const*, char const*>({{"w", "1"}, {"w!", "0"}, {"w", "0"}}));
    REQUIRE(f.store.write(kOwn + "/mode", mode));
    REQUIRE(f.store.write(kOwn + "/shareable", shareable));
    auto one = f.disk(), other = f.disk();
    REQUIRE(one.open() == true);
    CHECK(other.open() == (std::string{mode} + shareable != "w0"));
}

TEST_CASE("a disk is at rest when the last request that was begun is done", "[blkbackd][disk]") {
    test::TemporaryFolder folder;
    auto const path = folder.path() + "/disk.img";
    std::ofstream{path} << std::string(4096, 'd');
    Fixture f;
    REQUIRE(f.store.write(kOwn + "/params", path));
    REQUIRE(f.store.write(kOwn + "/mode", "w"));
    REQUIRE(f.store.write(kFront + "/ring-ref", "8"));
    REQUIRE(f.store.write(kFront + "/event-channel", "2"));
    f.events.offer(kGuest, EventPort{2});
    test::FrontBlkRing front{f.grants.grant(kGuest, GrantRef{8}), 4096};
    blkif_request_t request{};
    request.operation = BLKIF_OP_READ;
    request.nr_segments = 1;
    request.seg[0] = {.gref = 9, .first_sect = 0, .last_sect = 7};
    front.put(request);

    auto disk = f.disk();
    REQUIRE(disk.open() == true);
    CHECK(disk.is_at_rest());
    REQUIRE(disk.connect());
    REQUIRE(f.engine.pending.size() == 1);
    disk.disconnect();
    CHECK(!disk.is_at_rest());
    f.engine.perform_all();
    CHECK(disk.is_at_rest());
}
