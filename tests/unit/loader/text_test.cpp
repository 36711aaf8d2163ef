// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/loader/text.hpp"

#include <catch2/catch.hpp>

using namespace hospes::loader;

TEST_CASE("pieces of text and numbers join") {
  BoundedText<64> text;
  text << "a" << 'b' << uint64_t{0} << ' ' << ~uint64_t{0} << ' ' << Hex{0xfedc} << ' ' << Hex{0};
  CHECK(text.view() == "ab0 18446744073709551615 0xfedc 0x0");
}

TEST_CASE("text beyond the capacity is dropped") {
  BoundedText<4> text;
  text << "abc" << uint64_t{123} << "x";
  CHECK(text.view() == "abc1");
}

TEST_CASE("times are printed in seconds with two decimals") {
  const auto printed = [](uint64_t ticks, uint64_t per_second) {
    BoundedText<32> text;
    text << Seconds{ticks, per_second};
    return std::string(text.view());
  };
  CHECK(printed(0, 1000) == "0.00");
  CHECK(printed(2'570'000'000, 1'000'000'000) == "2.56");  // rounded down
  CHECK(printed(61'050'000'000, 1'000'000'000) == "61.04");
  CHECK(printed(5, 0) == "?");
}
