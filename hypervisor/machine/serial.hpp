// SPDX-License-Identifier: Apache-2.0
// The first serial port (16550 at 0x3f8), by polling.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

inline constexpr u16 kSerialPort = 0x3f8;
inline constexpr u16 kSerialPorts = 8;

// 115200 8N1. Without a port all output is dropped.
void init_serial();

void serial_write_byte(char byte);
// Takes the bytes that have arrived into the console's input; true when there were any.
bool poll_serial_input();

// The debug key that was pressed, or 0.
char take_debug_key();

// For a panic: output must not wait for a lock whose holder will never come back.
void break_console_lock();

}  // namespace hospes
