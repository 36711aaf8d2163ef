// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/serial.hpp"

#include "hypervisor/core/debug/console_switch.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/ports/console.hpp"

#include <atomic>

namespace hospes {
namespace {

constexpr u16 kData = kSerialPort;
constexpr u16 kInterruptEnable = kSerialPort + 1;
constexpr u16 kFifoControl = kSerialPort + 2;
constexpr u16 kLineControl = kSerialPort + 3;
constexpr u16 kModemControl = kSerialPort + 4;
constexpr u16 kLineStatus = kSerialPort + 5;
constexpr u16 kScratch = kSerialPort + 7;
constexpr u8 kDataReady = 1u << 0;
constexpr u8 kTransmitEmpty = 1u << 5;
constexpr unsigned kMaxSpins = 100'000;

constinit bool is_present = false;
constinit unsigned fifo_bytes = 1;  // what the transmitter takes when it is empty
constinit unsigned room = 0;        // of it, since it was last seen empty

// Input that nobody has read yet; a power of two, so that the indices may run on.
constexpr u32 kInputBytes = 4096;
constinit char input[kInputBytes];
constinit u32 input_head = 0;
constinit u32 input_tail = 0;

constinit ConsoleSwitch console_switch{};
constinit std::atomic<char> debug_key{};  // the one pressed last, until it is taken

void receive(char byte) {
    switch (console_switch.feed(byte)) {
        case ConsoleSwitch::Goes::to_dom0: input[input_head++ % kInputBytes] = byte; return;
        case ConsoleSwitch::Goes::to_core: debug_key.store(byte); return;
        case ConsoleSwitch::Goes::nowhere: return;
    }
}

}  // namespace

void init_serial() {
    outb(kScratch, 0x5a);
    is_present = inb(kScratch) == 0x5a;
    if (!is_present) return;
    outb(kInterruptEnable, 0);
    outb(kLineControl, 0x80);  // divisor latch
    outb(kData, 1);            // 115200
    outb(kInterruptEnable, 0);
    outb(kLineControl, 0x03);  // 8N1
    outb(kFifoControl, 0x07);
    constexpr u8 kFifoWorks = 0xc0;  // of the interrupt identification, read at the same port
    if ((inb(kFifoControl) & kFifoWorks) == kFifoWorks) fifo_bytes = 16;
    outb(kModemControl, 0x0b);
}

void serial_write_byte(char byte) {
    if (!is_present) return;
    if (room == 0) {
        for (unsigned spin = 0; spin < kMaxSpins && (inb(kLineStatus) & kTransmitEmpty) == 0; ++spin) __builtin_ia32_pause();
        room = fifo_bytes;
    }
    --room;
    outb(kData, static_cast<u8>(byte));
}

bool poll_serial_input() {
    if (!is_present) return false;
    bool any = false;
    while (input_head - input_tail < kInputBytes && (inb(kLineStatus) & kDataReady) != 0) {
        receive(static_cast<char>(inb(kData)));
        any = true;
    }
    return any;
}

char take_debug_key() { return debug_key.load(std::memory_order_relaxed) == 0 ? char{} : debug_key.exchange(char{}); }

usize console_read(char* bytes, usize size) {
    usize count = 0;
    while (count < size && input_tail != input_head) bytes[count++] = input[input_tail++ % kInputBytes];
    return count;
}

}  // namespace hospes
