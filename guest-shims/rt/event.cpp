// SPDX-License-Identifier: Apache-2.0
#include "event.hpp"

#include "hypercall.hpp"
#include "machine.hpp"

namespace hospes::guest {
namespace {

constexpr u32 kBits = 64;

struct Handler {
    EventHandler function;
    void *context;
};
Handler handlers[kMaxPorts];
u64 upcalls = 0;

u64 bit_of(EventPort port) { return 1ULL << (raw(port) % kBits); }
u64 *word(xen_ulong_t *words, EventPort port) { return &words[raw(port) / kBits]; }

/// A number may have belonged to another port before: its handler goes, and it starts masked.
EventPort new_port(u32 number) {
    const EventPort port{number};
    set_event_handler(port, nullptr, nullptr);
    mask_port(port);
    return port;
}

void run_word(u32 index) {
    shared_info_t &shared = shared_info();
    for (;;) {
        const u64 ready = __atomic_load_n(&shared.evtchn_pending[index], __ATOMIC_SEQ_CST) &
                          ~__atomic_load_n(&shared.evtchn_mask[index], __ATOMIC_SEQ_CST);
        if (ready == 0) return;
        const EventPort port{index * kBits + static_cast<u32>(__builtin_ctzll(ready))};
        clear_pending(port);
        const Handler handler = handlers[raw(port)];
        if (handler.function != nullptr) handler.function(port, handler.context);
    }
}

}  // namespace

void event_init() {
    for (u32 i = 0; i < kMaxPorts / kBits; ++i) shared_info().evtchn_mask[i] = ~0ULL;
}

void events_enable() {
    vcpu_info_t &info = vcpu_info();
    for (;;) {
        __atomic_store_n(&info.evtchn_upcall_mask, u8{0}, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&info.evtchn_upcall_pending, __ATOMIC_SEQ_CST) == 0) return;
        static_cast<void>(hv::xen_version(XENVER_version));  // any hypercall delivers what became pending while masked
        if (__atomic_load_n(&info.evtchn_upcall_pending, __ATOMIC_SEQ_CST) == 0) return;
        events_disable();
        handle_upcall();
    }
}

u8 events_disable() { return __atomic_exchange_n(&vcpu_info().evtchn_upcall_mask, u8{1}, __ATOMIC_SEQ_CST); }

long wait_for_event() {
    const long result = hv::sched_op(SCHEDOP_block);
    events_disable();
    return result;
}

void set_event_handler(EventPort port, EventHandler handler, void *context) { handlers[raw(port)] = {handler, context}; }

void mask_port(EventPort port) {
    __atomic_fetch_or(word(shared_info().evtchn_mask, port), bit_of(port), __ATOMIC_SEQ_CST);
}

void unmask_port(EventPort port) {
    evtchn_unmask_t request{raw(port)};
    static_cast<void>(hv::event_channel_op(EVTCHNOP_unmask, &request));
}

bool port_pending(EventPort port) {
    return (__atomic_load_n(word(shared_info().evtchn_pending, port), __ATOMIC_SEQ_CST) & bit_of(port)) != 0;
}

bool port_masked(EventPort port) {
    return (__atomic_load_n(word(shared_info().evtchn_mask, port), __ATOMIC_SEQ_CST) & bit_of(port)) != 0;
}

void clear_pending(EventPort port) {
    __atomic_fetch_and(word(shared_info().evtchn_pending, port), ~bit_of(port), __ATOMIC_SEQ_CST);
}

void handle_upcall() {
    vcpu_info_t &info = vcpu_info();
    ++upcalls;
    do {
        __atomic_store_n(&info.evtchn_upcall_pending, u8{0}, __ATOMIC_SEQ_CST);
        u64 selector = __atomic_exchange_n(&info.evtchn_pending_sel, 0UL, __ATOMIC_SEQ_CST);
        for (; selector != 0; selector &= selector - 1) run_word(static_cast<u32>(__builtin_ctzll(selector)));
    } while (__atomic_load_n(&info.evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0);
}

u64 upcall_count() { return __atomic_load_n(&upcalls, __ATOMIC_SEQ_CST); }

long bind_virq(u32 virq, u32 vcpu, EventPort &port) {
    evtchn_bind_virq_t request{virq, vcpu, 0};
    const long result = hv::event_channel_op(EVTCHNOP_bind_virq, &request);
    if (result == 0) port = new_port(request.port);
    return result;
}

long bind_ipi(u32 vcpu, EventPort &port) {
    evtchn_bind_ipi_t request{vcpu, 0};
    const long result = hv::event_channel_op(EVTCHNOP_bind_ipi, &request);
    if (result == 0) port = new_port(request.port);
    return result;
}

long alloc_unbound(u16 domain, u16 remote, EventPort &port) {
    evtchn_alloc_unbound_t request{domain, remote, 0};
    const long result = hv::event_channel_op(EVTCHNOP_alloc_unbound, &request);
    if (result == 0) port = new_port(request.port);
    return result;
}

long bind_interdomain(u16 remote, EventPort remote_port, EventPort &port) {
    evtchn_bind_interdomain_t request{remote, raw(remote_port), 0};
    const long result = hv::event_channel_op(EVTCHNOP_bind_interdomain, &request);
    if (result == 0) port = new_port(request.local_port);
    return result;
}

long close_port(EventPort port) {
    evtchn_close_t request{raw(port)};
    return hv::event_channel_op(EVTCHNOP_close, &request);
}

long send_event(EventPort port) {
    evtchn_send_t request{raw(port)};
    return hv::event_channel_op(EVTCHNOP_send, &request);
}

}  // namespace hospes::guest
