// SPDX-License-Identifier: Apache-2.0
// Assertions about our own code. They stay on in release builds; no guest input may reach one.
#pragma once

namespace hospes {

// Stops the machine (on the host: throws hospes::HostPanic). Implemented by machine/ and tests/support.
[[noreturn, gnu::noinline, gnu::cold]] void panic(char const* file, int line, char const* what);

#define HV_ASSERT(condition)                                              \
    do {                                                                  \
        if (!(condition)) [[unlikely]]                                    \
            ::hospes::panic(__FILE__, __LINE__, "assertion: " #condition); \
    } while (false)

#define HV_PANIC(what) ::hospes::panic(__FILE__, __LINE__, what)

}  // namespace hospes
