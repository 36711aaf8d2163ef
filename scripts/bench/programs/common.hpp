// SPDX-License-Identifier: Apache-2.0
// What the measuring programs share: the same binary runs in dom0 or in a domain, on Hospes and on Xen.
#pragma once
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Ends the program with what failed and why.
[[noreturn]] inline void give_up(char const* what) {
    std::perror(what);
    std::exit(1);
}

/// One figure, as scripts/bench/figures.py reads it.
inline void figure(std::string_view name, double value) {
    std::printf("FIGURE %.*s %.10g\n", static_cast<int>(name.size()), name.data(), value);
    std::fflush(stdout);
}

}  // namespace bench
