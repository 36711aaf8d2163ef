// SPDX-License-Identifier: Apache-2.0
// printk: the initial domain writes by console_io; any other domain by its console ring (a release build of Xen drops
// what an ordinary domain sends by console_io), and by console_io when it was given no ring.
#pragma once
#include "types.hpp"

namespace hospes::guest {

/// Chooses the output by start_info. Call once, before the first printk.
void console_init();

/// Formats (see format_text) and prints at most 511 characters.
[[gnu::format(printf, 1, 2)]] void printk(const char *format, ...);

/// Prints `length` raw bytes.
void console_write(const char *text, size_t length);

/// Takes at most `size` bytes of input from the console ring or from console_io; returns the count.
size_t console_read(char *out, size_t size);

/// Waits until the other end has taken all output of the ring, or `spins` rounds have passed.
void console_drain(u64 spins);

}  // namespace hospes::guest
