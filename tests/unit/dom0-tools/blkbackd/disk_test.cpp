// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/disk.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace hospes;
using namespace hospes::blkbackd;

namespace {

std::string make_image(test::TemporaryFolder const& folder, std::uintmax_t size) {
    auto const path = folder.path() + "/disk.img";
    std::ofstream{path}.close();
    std::filesystem::resize_file(path, size);
    return path;
}

}  // namespace

TEST_CASE("an image is as large as its whole sectors", "[blkbackd][disk]") {
    test::TemporaryFolder folder;
    auto const disk = Disk::open(make_image(folder, 10 * 512 + 100), DiskMode::read_write);
    REQUIRE(disk.has_value());
    CHECK(disk->sectors() == 10);
    CHECK(disk->block_size() == 512);
    CHECK(disk->device_number().empty());
}

TEST_CASE("a disk has one writer or many readers", "[blkbackd][disk]") {
    test::TemporaryFolder folder;
    auto const path = make_image(folder, 512);
    {
        auto const writer = Disk::open(path, DiskMode::read_write);
        REQUIRE(writer.has_value());
        CHECK(Disk::open(path, DiskMode::read_write).error().code() == EBUSY);
        CHECK(Disk::open(path, DiskMode::read_only).error().code() == EBUSY);
    }
    auto const reader = Disk::open(path, DiskMode::read_only);
    REQUIRE(reader.has_value());
    CHECK(Disk::open(path, DiskMode::read_only).has_value());
    CHECK(Disk::open(path, DiskMode::read_write).error().code() == EBUSY);
}

TEST_CASE("a disk is written by many if all of them say so", "[blkbackd][disk]") {
    test::TemporaryFolder folder;
    auto const path = make_image(folder, 512);
    {
        auto const one = Disk::open(path, DiskMode::shared), other = Disk::open(path, DiskMode::shared);
        REQUIRE((one.has_value() && other.has_value()));
        CHECK_FALSE(other->is_read_only());
        CHECK(Disk::open(path, DiskMode::read_write).error().code() == EBUSY);
    }
    auto const writer = Disk::open(path, DiskMode::read_write);
    REQUIRE(writer.has_value());
    CHECK(Disk::open(path, DiskMode::shared).error().code() == EBUSY);
}

TEST_CASE("what cannot be a disk is refused in one sentence", "[blkbackd][disk]") {
    test::TemporaryFolder folder;
    CHECK(Disk::open(folder.path() + "/none.img", DiskMode::read_only).error().message() == "disk " + folder.path() + "/none.img does not exist: make it first, or correct its path");
    CHECK(Disk::open("web.img", DiskMode::read_only).error().message() == "disk path \"web.img\" must be absolute");
    CHECK(Disk::open(folder.path(), DiskMode::read_only).error().message() == "disk " + folder.path() + " is neither a regular file nor a block device");
    CHECK(Disk::open("/dev/null", DiskMode::read_only).error().code() == EINVAL);
    CHECK(Disk::open(make_image(folder, 511), DiskMode::read_only).error().code() == EINVAL);
}
