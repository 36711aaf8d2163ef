// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/result.hpp"

#include "dom0-tools/base/unique_fd.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>

#include <memory>

using namespace hospes;

namespace {

Result<std::unique_ptr<int>> make_number(bool works) {
    if (!works) return fail(EDOM, "number {} is odd", 7);
    return std::make_unique<int>(8);
}

Result<int> half(bool works) {
    auto const number = HV_TRY(make_number(works));  // a value that can only be moved
    return *number / 2;
}

}  // namespace

TEST_CASE("HV_TRY hands on the value or returns the error", "[base][result]") {
    CHECK(half(true).value() == 4);
    REQUIRE(!half(false).has_value());
    CHECK(half(false).error().code() == EDOM);
    CHECK(half(false).error().message() == "number 7 is odd");
}

TEST_CASE("an error tells what was tried, where, and the system's reason", "[base][result]") {
    auto const fd = with_context(open_file("/no/such/file", O_RDONLY), "disk of domain {}", "web");
    REQUIRE(!fd.has_value());
    CHECK(fd.error().code() == ENOENT);
    CHECK(fd.error().message() == "disk of domain web: open /no/such/file: No such file or directory");
}

TEST_CASE("a descriptor is closed once and close-on-exec", "[base][unique_fd]") {
    int number = -1;
    {
        auto fd = *open_file("/dev/null", O_RDWR);
        number = fd.get();
        CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
        auto moved = std::move(fd);
        CHECK(!fd);
        CHECK(moved.get() == number);
    }
    CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("reading a file stops at the limit", "[base][unique_fd]") {
    auto const status = read_file("/proc/self/maps", 10);
    REQUIRE(!status.has_value());
    CHECK(status.error().code() == EFBIG);
}
