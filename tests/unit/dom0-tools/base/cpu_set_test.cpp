// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/cpu_set.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

TEST_CASE("sets of processors are read as libvirt and xl write them", "[cpu_set]") {
    CHECK(parse_cpu_set("0")->bits() == 1);
    CHECK(parse_cpu_set("0-3,^2,5")->bits() == 0b101011);
    CHECK(parse_cpu_set("63")->bits() == std::uint64_t{1} << 63);
    CHECK(*parse_cpu_set("0-63") == CpuSet::all());
    CHECK(*parse_cpu_set("all") == CpuSet::all());
    CHECK(parse_cpu_set("0-7,^1-6")->bits() == 0b10000001);
}

TEST_CASE("what names no processors is refused", "[cpu_set]") {
    auto const text = GENERATE(as<std::string>{}, "", ",", "1,", ",1", "x", "1-", "-1", "3-1", "64", "0-64", "1 2", "^", "^1", "1,^1", "0x1",
                               "99999999999999999999", "all,1", "1--2", "+1");
    INFO(text);
    CHECK(parse_cpu_set(text).error().code() == EINVAL);
}

TEST_CASE("sets of processors are shown in short", "[cpu_set]") {
    CHECK(to_string(CpuSet{}) == "-");
    CHECK(to_string(CpuSet{0b1011}) == "0-1,3");
    CHECK(to_string(CpuSet::all()) == "0-63");
    CHECK(shown_among(CpuSet::all(), CpuSet::first(2)) == "all");
    CHECK(shown_among(CpuSet{0b110}, CpuSet::first(2)) == "1");
    CHECK(shown_among(CpuSet{0b100}, CpuSet::first(2)) == "-");
    for (std::uint64_t bits : {0b1ull, 0b1101ull, ~0ull, 1ull << 63 | 1}) CHECK(parse_cpu_set(to_string(CpuSet{bits}))->bits() == bits);
}
