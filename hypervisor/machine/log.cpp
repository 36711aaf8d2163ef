// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/ports/log.hpp"

#include "hypervisor/base/format.hpp"
#include "hypervisor/base/spinlock.hpp"
#include "hypervisor/machine/log_level.hpp"
#include "hypervisor/machine/serial.hpp"
#include "hypervisor/ports/console.hpp"

#include <cstdarg>

namespace hospes {
namespace {

constexpr usize kLineBytes = 256;
constexpr u32 kRingBytes = 64 << 10;

constinit Spinlock console_lock{LockRank::console};
constinit LogLevel threshold = LogLevel::info;
constinit char ring[kRingBytes];
constinit u32 ring_start = 0;  // oldest byte kept
constinit u32 ring_end = 0;    // one past the newest; both run on modulo 2^32

constexpr char const* prefix_of(LogLevel level) {
    switch (level) {
        case LogLevel::error: return "(hospes) ERROR: ";
        case LogLevel::warning: return "(hospes) warning: ";
        case LogLevel::info: return "(hospes) ";
        case LogLevel::debug: return "(hospes) debug: ";
    }
    return "";
}

void send_locked(char byte) {
    if (byte == '\n') serial_write_byte('\r');
    serial_write_byte(byte);
}

void put_locked(char byte) {
    ring[ring_end % kRingBytes] = byte;
    ++ring_end;
    if (ring_end - ring_start > kRingBytes) ring_start = ring_end - kRingBytes;
    send_locked(byte);
}

void put_locked(char const* text) {
    for (; *text != '\0'; ++text) put_locked(*text);
}

}  // namespace

void set_log_level(LogLevel level) { threshold = level; }
LogLevel log_level() { return threshold; }

void log(LogLevel level, char const* format, ...) {
    if (level > threshold) return;
    char line[kLineBytes];
    va_list arguments;
    va_start(arguments, format);
    format_text(line, sizeof line, format, arguments);
    va_end(arguments);
    LockGuard const guard{console_lock};
    put_locked(prefix_of(level));
    put_locked(line);
    put_locked('\n');
}

void console_write(char const* bytes, usize size) {
    LockGuard const guard{console_lock};
    for (usize i = 0; i < size; ++i) send_locked(bytes[i]);
}

usize log_ring_read(char* bytes, usize size, bool incremental, u32& index) {
    LockGuard const guard{console_lock};
    u32 position = ring_start;
    if (incremental && index - ring_start <= ring_end - ring_start) position = index;
    usize count = 0;
    while (count < size && position != ring_end) bytes[count++] = ring[position++ % kRingBytes];
    index = position;
    return count;
}

void log_ring_clear() {
    LockGuard const guard{console_lock};
    ring_start = ring_end;
}

void break_console_lock() { console_lock.unlock(); }

}  // namespace hospes
