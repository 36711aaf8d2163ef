// SPDX-License-Identifier: Apache-2.0
// The machine's console: what was written to it, what waits to be read, and the log ring as a toolstack sees it.
#pragma once

#include <string>

namespace hospes::test {

struct FakeConsole {
    std::string written;
    std::string input;
    std::string log_ring;  // its first byte is at ring position 0
};

FakeConsole& console();

}  // namespace hospes::test
