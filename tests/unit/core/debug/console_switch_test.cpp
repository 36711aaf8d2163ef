// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/debug/console_switch.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace hospes;

namespace {

// What dom0 gets of `typed`, and behind a bar what the core gets.
std::string sorted(std::string const& typed) {
    ConsoleSwitch console_switch;
    std::string dom0;
    std::string core;
    for (char const byte : typed) {
        auto const goes = console_switch.feed(byte);
        if (goes == ConsoleSwitch::Goes::to_dom0) dom0 += byte == '\1' ? '^' : byte;
        if (goes == ConsoleSwitch::Goes::to_core) core += byte == '\1' ? '^' : byte;
    }
    return dom0 + "|" + core;
}

}  // namespace

TEST_CASE("what is typed goes to dom0, and after three times Ctrl-A to the core until three more", "[debug][console]") {
    CHECK(sorted("ls\n") == "ls\n|");
    CHECK(sorted("a\1b\1\1c") == "a^b^^c|");
    CHECK(sorted("a\1\1\1qr\1\1\1b") == "a^^b|qr");
    CHECK(sorted("\1\1\1\1\1x\1\1\1y") == "^^y|x");
    CHECK(sorted("\1\1\1\1\1\1\1\1\1c") == "^^^^|c");
}
