// SPDX-License-Identifier: Apache-2.0
// Text: a bounded formatter and the little of <cstring> that guests need.
#pragma once
#include <stdarg.h>

#include "types.hpp"

extern "C" {
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *left, const void *right, size_t size);
}

namespace hospes::guest {

size_t text_length(const char *text);
bool text_equal(const char *left, const char *right);
bool text_starts_with(const char *text, const char *prefix);

/// Formats like vsnprintf with %s %c %d %u %x %%, the modifiers l and ll, and a width with optional leading 0.
/// Always terminates `out`; returns the length written, at most size-1.
size_t format_text(char *out, size_t size, const char *format, va_list arguments);

/// Decimal, or hexadecimal after 0x; stops at the first other character. False when there is no digit.
bool parse_number(const char *text, u64 &value);

}  // namespace hospes::guest
