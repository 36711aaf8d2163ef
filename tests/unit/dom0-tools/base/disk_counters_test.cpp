// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/disk_counters.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace hospes;

TEST_CASE("a disk's counters are seen by others while they count, and go with it", "[base]") {
    test::TemporaryFolder const folder;
    auto const home = folder.path() + "/disks";
    auto const totals = [&] { return DiskCounters::read(home, DomId{5}, 51712); };
    CHECK(totals().error().code() == ENOENT);
    {
        auto counters = DiskCounters::create(home, DomId{5}, 51712);
        REQUIRE(counters);
        counters->count_read(4096);
        counters->count_read(512);
        counters->count_write(1024);
        REQUIRE(totals());
        CHECK(totals()->reads == 2);
        CHECK(totals()->read_bytes == 4608);
        CHECK(totals()->writes == 1);
        CHECK(totals()->written_bytes == 1024);
        auto moved = *std::move(counters);
        moved.count_write(1);
        CHECK(totals()->writes == 2);
    }
    CHECK(totals().error().code() == ENOENT);
}

TEST_CASE("counters of a daemon that was killed are started anew", "[base]") {
    test::TemporaryFolder const folder;
    std::ofstream{folder.path() + "/5-1"} << "something else altogether";
    CHECK(DiskCounters::read(folder.path(), DomId{5}, 1).error().code() == EINVAL);
    auto const counters = DiskCounters::create(folder.path(), DomId{5}, 1);
    REQUIRE(counters);
    CHECK(DiskCounters::read(folder.path(), DomId{5}, 1)->reads == 0);
    CHECK_FALSE(DiskCounters::create("/proc/nowhere", DomId{5}, 1));
}
