// SPDX-License-Identifier: Apache-2.0
// The core's log: serial line and the ring that `hospes dmesg` reads. printk-like, with the compiler checking the arguments.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

enum class LogLevel : u8 { error, warning, info, debug };

// Supports %s %c %d %u %x %lx %lu %ld %p %zu %%, field widths and zero fill. One call is one line; no newline needed.
[[gnu::format(printf, 2, 3), gnu::noinline, gnu::cold]] void log(LogLevel level, char const* format, ...);

#define HV_ERROR(...) ::hospes::log(::hospes::LogLevel::error, __VA_ARGS__)
#define HV_WARN(...) ::hospes::log(::hospes::LogLevel::warning, __VA_ARGS__)
#define HV_INFO(...) ::hospes::log(::hospes::LogLevel::info, __VA_ARGS__)
#define HV_DEBUG(...) ::hospes::log(::hospes::LogLevel::debug, __VA_ARGS__)

}  // namespace hospes
