// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/command_line.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

namespace {

// The core's options while a test runs.
struct Options {
    explicit Options(std::string_view text) { set_command_line(text); }
    ~Options() { set_command_line({}); }
    Options(Options const&) = delete;
    Options& operator=(Options const&) = delete;
};

}  // namespace

TEST_CASE("an option is a whole word, alone or before its value") {
    Options const options{"check  com1=115200 smap= "};
    CHECK(command_line() == "check  com1=115200 smap= ");
    CHECK(has_option("check"));
    CHECK(has_option("com1"));
    CHECK(has_option("smap"));
    for (auto const* absent : {"chec", "checks", "com", "115200", "com1=115200", ""}) CHECK_FALSE(has_option(absent));
}

TEST_CASE("the last value of an option counts, and it may be empty") {
    Options const options{"a=1 b a=2=3 c="};
    CHECK(option_value("a") == "2=3");
    CHECK(option_value("b").empty());
    CHECK(option_value("c").empty());
    CHECK(option_value("d").empty());
}

TEST_CASE("a number is digits and nothing else") {
    Options const options{"good=042 text=x cut=12x empty= flag"};
    CHECK(option_number("good", 7) == 42);
    for (auto const* bad : {"text", "cut", "empty", "flag", "absent"}) CHECK(option_number(bad, 7) == 7);
}

TEST_CASE("a size is digits, and at most one letter that multiplies it") {
    Options const options{"bytes=512 k=2k K=3K m=2m M=3M g=2g G=3G letter=M other=5T long=5MB empty="};
    CHECK(option_size("bytes", 7) == 512);
    CHECK(option_size("k", 7) == 2 << 10);
    CHECK(option_size("K", 7) == 3 << 10);
    CHECK(option_size("m", 7) == 2 << 20);
    CHECK(option_size("M", 7) == 3 << 20);
    CHECK(option_size("g", 7) == u64{2} << 30);
    CHECK(option_size("G", 7) == u64{3} << 30);
    for (auto const* bad : {"letter", "other", "long", "empty", "absent"}) CHECK(option_size(bad, 7) == 7);
}

TEST_CASE("without options there is none") {
    Options const options{""};
    CHECK_FALSE(has_option("check"));
    CHECK(option_value("check").empty());
}
