// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/virtual_disk.hpp"

#include "tests/support/fake_event_channels.hpp"
#include "tests/support/fake_grants.hpp"
#include "tests/support/slow_engine.hpp"
#include "tests/support/temporary_folder.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

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

}  // namespace

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
