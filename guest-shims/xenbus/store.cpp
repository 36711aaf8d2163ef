// SPDX-License-Identifier: Apache-2.0
#include "store.hpp"

#include "rt/clock.hpp"
#include "rt/event.hpp"
#include "rt/hypercall.hpp"
#include "rt/machine.hpp"
#include "rt/text.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kNsPerSecond = 1000000000;
constexpr u64 kLook = 10000000;  // a lost notification costs at most this many ns

struct ErrorName {
    const char *name;
    long code;
};
constexpr ErrorName kErrors[] = {{"EINVAL", kEINVAL}, {"EACCES", kEACCES}, {"EEXIST", kEEXIST}, {"ENOENT", kENOENT},
                                 {"ENOMEM", kENOMEM}, {"ENOSPC", kENOSPC}, {"EIO", kEIO},       {"ENOSYS", kENOSYS},
                                 {"EBUSY", kEBUSY},   {"EAGAIN", kEAGAIN}, {"E2BIG", kE2BIG},   {"EPERM", kEPERM}};

long error_code(const char *name) {
    for (const ErrorName &error : kErrors) {
        if (text_equal(name, error.name)) return error.code;
    }
    return kEIO;
}

}  // namespace

Store::Store() {
    const start_info_t &info = start_info();
    if (info.store_mfn == 0 || info.store_evtchn == 0) return;
    ring_ = static_cast<xenstore_domain_interface *>(address_of_mfn(Mfn{info.store_mfn}));
    port_ = info.store_evtchn;
    unmask_port(EventPort{port_});
}

void Store::notify() const { static_cast<void>(send_event(EventPort{port_})); }

/// Sleeps a little; false when the time for this request is over.
bool Store::wait_for_progress() {
    const u64 now = system_time_ns();
    if (now > deadline_) return false;
    evtchn_port_t ports[1] = {port_};
    sched_poll_t poll{};
    poll.ports.p = ports;
    poll.nr_ports = 1;
    poll.timeout = now + kLook;
    static_cast<void>(hv::sched_op(SCHEDOP_poll, &poll));
    clear_pending(EventPort{port_});
    return true;
}

bool Store::send(const void *data, u32 length) {
    const auto *from = static_cast<const char *>(data);
    u32 producer = ring_->req_prod;
    while (length > 0) {
        const u32 used = producer - __atomic_load_n(&ring_->req_cons, __ATOMIC_ACQUIRE);
        if (used > XENSTORE_RING_SIZE) return false;
        if (used == XENSTORE_RING_SIZE) {
            if (!wait_for_progress()) return false;
            continue;
        }
        ring_->req[producer++ % XENSTORE_RING_SIZE] = *from++;
        --length;
        __atomic_store_n(&ring_->req_prod, producer, __ATOMIC_RELEASE);
    }
    notify();
    return true;
}

bool Store::receive(void *data, u32 length) {
    auto *to = static_cast<char *>(data);
    u32 consumer = ring_->rsp_cons;
    while (length > 0) {
        const u32 ready = __atomic_load_n(&ring_->rsp_prod, __ATOMIC_ACQUIRE) - consumer;
        if (ready > XENSTORE_RING_SIZE) return false;
        if (ready == 0) {
            if (!wait_for_progress()) return false;
            continue;
        }
        *to++ = ring_->rsp[consumer++ % XENSTORE_RING_SIZE];
        --length;
        __atomic_store_n(&ring_->rsp_cons, consumer, __ATOMIC_RELEASE);
    }
    notify();
    return true;
}

bool Store::skip(u32 length) {
    char byte = 0;
    for (; length > 0; --length) {
        if (!receive(&byte, 1)) return false;
    }
    return true;
}

long Store::request(u32 type, const char *path, const char *value, char *out, size_t size) {
    if (ring_ == nullptr) return kENODEV;
    deadline_ = system_time_ns() + patience_ * kNsPerSecond;
    const u32 path_length = static_cast<u32>(text_length(path)) + 1;
    const u32 value_length = value != nullptr ? static_cast<u32>(text_length(value)) : 0;
    const xsd_sockmsg header{type, next_id_++, 0, path_length + value_length};
    if (!send(&header, sizeof header) || !send(path, path_length) || !send(value, value_length)) return kEAGAIN;
    xsd_sockmsg reply{};
    for (;;) {
        if (!receive(&reply, sizeof reply)) return kEAGAIN;
        if (reply.len > XENSTORE_PAYLOAD_MAX) return kEIO;
        if (reply.type != XS_WATCH_EVENT && reply.req_id == header.req_id) break;
        if (!skip(reply.len)) return kEAGAIN;
    }
    char text[XENSTORE_ABS_PATH_MAX];
    const u32 kept = reply.len < sizeof text - 1 ? reply.len : static_cast<u32>(sizeof text - 1);
    if (!receive(text, kept) || !skip(reply.len - kept)) return kEAGAIN;
    text[kept] = '\0';
    if (reply.type == XS_ERROR) return error_code(text);
    if (out == nullptr) return 0;
    const size_t copied = kept < size - 1 ? kept : size - 1;
    memcpy(out, text, copied);
    out[copied] = '\0';
    return 0;
}

long Store::read(const char *path, char *out, size_t size) { return request(XS_READ, path, nullptr, out, size); }
long Store::write(const char *path, const char *value) { return request(XS_WRITE, path, value, nullptr, 0); }

}  // namespace hospes::guest
