// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transport/guest_ring.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace hospes::xenstore {

static_assert(kStoreRingSize == XENSTORE_RING_SIZE);
static_assert(static_cast<u32>(RingFault::index) == XENSTORE_ERROR_RINGIDX);
static_assert(static_cast<u32>(RingFault::protocol) == XENSTORE_ERROR_PROTO);

namespace {

// Bits of server_features: reconnection, the error word, and (later than 4.17's header) the depth of a watch.
constexpr u32 kFeatures = XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR | 4;

u32 load(u32& word) { return std::atomic_ref{word}.load(std::memory_order_acquire); }
void store(u32& word, u32 value) { std::atomic_ref{word}.store(value, std::memory_order_release); }

// Where a run of bytes of a ring begins, and how many there are up to its end or the end of the ring.
struct Run {
    usize offset;
    usize length;
};
Run run_at(u32 index, usize wanted) {
    auto const offset = usize{index % kStoreRingSize};
    return {offset, std::min(wanted, kStoreRingSize - offset)};
}

}  // namespace

GuestRing::GuestRing(xenstore_domain_interface& page) : page_{page}, req_cons_{load(page.req_cons)}, rsp_prod_{load(page.rsp_prod)} {}

void GuestRing::announce_features() { store(page_.server_features, kFeatures); }

std::expected<usize, RingFault> GuestRing::read(std::span<char> out) {
    u32 const available = load(page_.req_prod) - req_cons_;
    if (available > kStoreRingSize) return std::unexpected{RingFault::index};
    usize done = 0;
    auto const wanted = std::min<usize>(available, out.size());
    while (done < wanted) {
        auto const run = run_at(req_cons_, wanted - done);
        std::memcpy(out.data() + done, page_.req + run.offset, run.length);
        req_cons_ += static_cast<u32>(run.length);
        done += run.length;
    }
    if (done > 0) store(page_.req_cons, req_cons_);
    return done;
}

std::expected<usize, RingFault> GuestRing::write(std::string_view bytes) {
    u32 const used = rsp_prod_ - load(page_.rsp_cons);
    if (used > kStoreRingSize) return std::unexpected{RingFault::index};
    usize done = 0;
    auto const room = std::min<usize>(kStoreRingSize - used, bytes.size());
    while (done < room) {
        auto const run = run_at(rsp_prod_, room - done);
        std::memcpy(page_.rsp + run.offset, bytes.data() + done, run.length);
        rsp_prod_ += static_cast<u32>(run.length);
        done += run.length;
    }
    if (done > 0) store(page_.rsp_prod, rsp_prod_);
    return done;
}

void GuestRing::set_error(RingFault fault) { store(page_.error, static_cast<u32>(fault)); }

bool GuestRing::wants_reconnect() const { return load(page_.connection) == XENSTORE_RECONNECT; }

void GuestRing::reset() {
    req_cons_ = rsp_prod_ = 0;
    for (auto* index : {&page_.req_cons, &page_.req_prod, &page_.rsp_cons, &page_.rsp_prod}) store(*index, 0);
    store(page_.error, XENSTORE_ERROR_NONE);
    store(page_.connection, XENSTORE_CONNECTED);
}

bool GuestRing::confirm_connection() {
    if (!wants_reconnect()) return false;
    store(page_.connection, XENSTORE_CONNECTED);
    return true;
}

}  // namespace hospes::xenstore
