// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transport/ring_transport.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace hospes::xenstore {

namespace {

constexpr int kRequestsInATurn = 16;  // then the others have their turn

}  // namespace

RingTransport::RingTransport(DomId domain, std::unique_ptr<RingPage> page, Receiver& receiver, Environment environment)
    : domain_{domain}, page_{std::move(page)}, ring_{page_->page()}, receiver_{receiver}, environment_{std::move(environment)} {
    next_turn_ = environment_.loop.make_next_turn([this] { on_event(); });
    receiver_.output().on_ready = [this] { environment_.flushes.add(*this); };
}

RingTransport::~RingTransport() { environment_.flushes.remove(*this); }

Status RingTransport::connect(EventPort port) {
    bool const is_first = !port_ && !is_stopped_;
    port_.reset();  // first, since a port of the domain has one peer at most
    auto bound = environment_.channels.bind_interdomain(domain_, port, [this] { on_event(); });
    if (!bound) {  // nobody is told of anything until it is introduced with a port that is right
        is_stopped_ = true;
        receiver_.reset();
        return std::unexpected{bound.error()};
    }
    port_ = std::move(*bound);
    ring_.announce_features();
    if (is_first) {
        ring_.confirm_connection();
    } else {
        start_afresh();
    }
    // Wakes the other side up, which may wait for that: Linux takes the first event as "xenstored is there".
    return port_.notify();
}

void RingTransport::on_event() {
    if (!port_) return;  // a turn that was asked for before the port was lost
    if (ring_.wants_reconnect()) {
        start_afresh();
        notify();
    }
    serve();
    environment_.after_turn();
}

// Requests that stay for the next turn keep the port masked until then; else the domain's next event opens the turn.
void RingTransport::serve() {
    bool moved = send_answers();
    int requests = 0;
    while (!is_stopped_ && receiver_.may_receive() && requests < kRequestsInATurn && take_request()) {
        ++requests;
        moved = true;
        send_answers();
    }
    if (moved || received_ > 0) notify();
    if (requests == kRequestsInATurn) {
        next_turn_.ask();
    } else if (auto const unmasked = port_.unmask(); !unmasked) {
        spdlog::warn("{}: {}", receiver_.name(), unmasked.error().message());
    }
}

// Takes what has come of a request, first its header; hands it over when it is whole. Returns whether it was.
bool RingTransport::take_request() {
    while (true) {
        auto wanted = kHeaderSize;
        if (received_ >= kHeaderSize) {
            auto const header = decode(std::span{input_}.first<kHeaderSize>());
            if (header.length > kPayloadMax) {
                stop(RingFault::protocol);
                return false;
            }
            wanted += header.length;
            if (received_ == wanted) {
                received_ = 0;
                receiver_.receive(header, {input_.data() + kHeaderSize, header.length});
                return true;
            }
        }
        auto const count = ring_.read(std::span{input_}.subspan(received_, wanted - received_));
        if (!count) stop(count.error());
        if (!count || *count == 0) return false;
        received_ += *count;
    }
}

bool RingTransport::send_answers() {
    auto& output = receiver_.output();
    bool moved = false;
    while (!is_stopped_ && !output.empty()) {
        auto const count = ring_.write(output.front());
        if (!count) stop(count.error());
        if (!count || *count == 0) break;
        output.pop(*count);
        moved = true;
    }
    return moved;
}

void RingTransport::flush() {
    if (send_answers()) notify();
}

void RingTransport::notify() {
    if (auto const sent = port_.notify(); !sent) spdlog::warn("{}: {}", receiver_.name(), sent.error().message());
}

void RingTransport::start_afresh() {
    receiver_.reset();
    received_ = 0;
    is_stopped_ = false;
    ring_.reset();
}

void RingTransport::stop(RingFault fault) {
    if (!std::exchange(is_told_, true)) {  // once: a domain can do this again and again
        spdlog::warn("{}: {}; it is not served until it connects again", receiver_.name(),
                     fault == RingFault::index ? "impossible ring indices" : "a message longer than the protocol allows");
    }
    is_stopped_ = true;
    receiver_.reset();
    ring_.set_error(fault);
}

}  // namespace hospes::xenstore
