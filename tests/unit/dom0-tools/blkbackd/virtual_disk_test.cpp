// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/virtual_disk.hpp"

#include "tests/support/fake_event_channels.hpp"
#include "tests/support/fake_grants.hpp"
#include "tests/support/slow_engine.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

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
    // As a back end that is started does it, before the frontend looks.
    void probe() {
        EventLoop loop;
        test::FakeEventChannels events;
        test::FakeGrants grants;
        test::block::SlowEngine engine;
        BufferPool buffers{{}};
        VirtualDisk disk{{loop, events, grants, engine, buffers}, *nodes, {}};
        REQUIRE(disk.probe());
    }
};

}  // namespace

TEST_CASE("a frontend is not asked to keep its pages granted: it would copy all its data into them", "[blkbackd][grants]") {
    Fixture f;
    f.probe();
    CHECK(*f.store.read(kOwn + "/feature-persistent") == "0");
}
