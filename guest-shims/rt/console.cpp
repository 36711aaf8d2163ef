// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include "hypercall.hpp"
#include "machine.hpp"
#include "text.hpp"

namespace hospes::guest {
namespace {

xencons_interface *ring = nullptr;
u32 ring_port = 0;

void notify_ring() {
    evtchn_send_t send{ring_port};
    static_cast<void>(hv::event_channel_op(EVTCHNOP_send, &send));
}

size_t ring_put(const char *text, size_t length) {
    u32 producer = ring->out_prod;
    const u32 consumer = __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);
    size_t done = 0;
    while (done < length && producer - consumer < sizeof ring->out) ring->out[producer++ % sizeof ring->out] = text[done++];
    __atomic_store_n(&ring->out_prod, producer, __ATOMIC_RELEASE);
    notify_ring();
    return done;
}

}  // namespace

void console_init() {
    const start_info_t &info = start_info();
    if ((info.flags & SIF_INITDOMAIN) != 0 || info.console.domU.mfn == 0) return;
    ring = static_cast<xencons_interface *>(address_of_mfn(Mfn{info.console.domU.mfn}));
    ring_port = info.console.domU.evtchn;
}

void console_write(const char *text, size_t length) {
    if (ring == nullptr) {
        char buffer[512];
        while (length > 0) {
            const size_t part = length < sizeof buffer ? length : sizeof buffer;
            memcpy(buffer, text, part);
            static_cast<void>(hv::console_io(CONSOLEIO_write, part, buffer));
            text += part;
            length -= part;
        }
        return;
    }
    while (length > 0) {
        const size_t done = ring_put(text, length);
        text += done;
        length -= done;
        if (length > 0) static_cast<void>(hv::sched_op(SCHEDOP_yield));
    }
}

size_t console_read(char *out, size_t size) {
    if (ring == nullptr) {
        const long count = hv::console_io(CONSOLEIO_read, size, out);
        return count > 0 ? static_cast<size_t>(count) : 0;
    }
    const u32 producer = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE);
    u32 consumer = ring->in_cons;
    size_t done = 0;
    while (done < size && consumer != producer) out[done++] = ring->in[consumer++ % sizeof ring->in];
    __atomic_store_n(&ring->in_cons, consumer, __ATOMIC_RELEASE);
    if (done > 0) notify_ring();
    return done;
}

void console_drain(u64 spins) {
    if (ring == nullptr) return;
    for (u64 i = 0; i < spins && __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) != ring->out_prod; ++i)
        static_cast<void>(hv::sched_op(SCHEDOP_yield));
}

void printk(const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    const size_t length = format_text(line, sizeof line, format, arguments);
    va_end(arguments);
    console_write(line, length);
}

}  // namespace hospes::guest
