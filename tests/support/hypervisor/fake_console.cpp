// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_console.hpp"

#include "hypervisor/ports/console.hpp"

#include <algorithm>

namespace hospes {

using test::console;

void console_write(char const* bytes, usize size) { console().written.append(bytes, size); }

usize console_read(char* bytes, usize size) {
    usize const count = console().input.copy(bytes, size);
    console().input.erase(0, count);
    return count;
}

usize log_ring_read(char* bytes, usize size, bool incremental, u32& index) {
    usize const from = incremental ? std::min<usize>(index, console().log_ring.size()) : 0;
    usize const count = console().log_ring.copy(bytes, size, from);
    index = static_cast<u32>(from + count);
    return count;
}

void log_ring_clear() { console().log_ring.clear(); }

namespace test {
FakeConsole& console() {
    static FakeConsole state;
    return state;
}
}  // namespace test

}  // namespace hospes
