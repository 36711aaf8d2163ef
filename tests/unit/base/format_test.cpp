// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/base/format.hpp"

#include <catch2/catch.hpp>

#include <climits>
#include <cstdio>
#include <string>

using namespace hospes;

namespace {

template <typename... Arguments>
std::string ours(char const* format, Arguments... arguments) {
    char buffer[128];
    format_text(buffer, sizeof buffer, format, arguments...);
    return buffer;
}
template <typename... Arguments>
std::string library(char const* format, Arguments... arguments) {
    char buffer[128];
    std::snprintf(buffer, sizeof buffer, format, arguments...);
    return buffer;
}

}  // namespace

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

TEST_CASE("numbers and strings come out as the C library prints them", "[base][format]") {
    for (char const* format : {"%d", "%5d|", "%-5d|", "%05d", "%3d"})
        for (int value : {0, 7, -7, 12345678, INT_MAX, INT_MIN}) CHECK(ours(format, value) == library(format, value));
    for (char const* format : {"%lx", "%016lx", "%lu", "%20lu|", "%-20lx|"})
        for (unsigned long value : {0ul, 1ul, 0xdeadbeeful, ULONG_MAX}) CHECK(ours(format, value) == library(format, value));
    for (char const* format : {"%s", "%8s|", "%-8s|", "%.3s", "%8.3s|"}) CHECK(ours(format, "hello") == library(format, "hello"));
    CHECK(ours("%c%%%c", 'a', 'b') == "a%b");
    CHECK(ours("%.*s", 2, "hello") == "he");
    CHECK(ours("%hu %zu", 5, usize{6}) == "5 6");
}

TEST_CASE("output is cut to the buffer and always terminated", "[base][format]") {
    char buffer[4] = {'x', 'x', 'x', 'x'};
    CHECK(format_text(buffer, 3, "%s", "hello") == 2);
    CHECK(std::string{buffer} == "he");
    CHECK(buffer[3] == 'x');
}
