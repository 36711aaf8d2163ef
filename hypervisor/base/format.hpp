// SPDX-License-Identifier: Apache-2.0
// printf for a core without a C library.
#pragma once

#include "hypervisor/base/types.hpp"

#include <cstdarg>

namespace hospes {

// Writes `format` with its arguments into `buffer`, cut to `size` - 1 bytes and always terminated; returns the bytes written.
// Knows %s %c %d %i %u %x %p %%, the lengths l, ll, z, h, hh, a width, and the flags 0 and -; %.*s and %.Ns bound a string.
[[gnu::format(printf, 3, 0)]] usize format_text(char* buffer, usize size, char const* format, va_list arguments);
[[gnu::format(printf, 3, 4)]] usize format_text(char* buffer, usize size, char const* format, ...);

}  // namespace hospes
