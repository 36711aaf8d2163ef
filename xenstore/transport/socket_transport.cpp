// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transport/socket_transport.hpp"

#include "dom0-tools/base/liburing.hpp"

#include <spdlog/spdlog.h>

#include <sys/socket.h>

#include <array>

namespace hospes::xenstore {

namespace {

constexpr usize kReadSize = 16 * 1024;           // at most this much of one client in a turn
constexpr usize kSendSize = 64 * 1024;           // about so much is sent to it at once
constexpr usize kStopListening = 1 << 20;        // bytes that wait for a client that goes on asking
constexpr usize kGiveUp = 64 << 20;              // bytes that wait for a client that reads nothing: events come unasked

bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

class SocketTransport::Receive final : public RingOperation {
public:
    explicit Receive(SocketTransport& transport) : transport_{transport} {}

    void prepare(io_uring_sqe& entry) override { io_uring_prep_recv(&entry, transport_.socket_.get(), buffer_.data(), buffer_.size(), 0); }
    void completed(int result, std::unique_ptr<RingOperation> self) override {
        transport_.on_received({buffer_.data(), static_cast<usize>(std::max(result, 0))}, std::max(-result, 0), std::move(self));
    }

private:
    SocketTransport& transport_;
    std::array<char, kReadSize> buffer_;
};

// Nearly always the client has room for all of it, and there is nothing to hear of it; else it is waited for.
class SocketTransport::Send final : public RingOperation {
public:
    Send(SocketTransport& transport, std::string bytes) : transport_{transport}, bytes_{std::move(bytes)} {}

    bool is_silent() const override { return !will_wait_; }
    void prepare(io_uring_sqe& entry) override {
        int const flags = MSG_NOSIGNAL | MSG_WAITALL | (will_wait_ ? 0 : MSG_DONTWAIT);
        io_uring_prep_send(&entry, transport_.socket_.get(), bytes_.data() + sent_, bytes_.size() - sent_, flags);
    }
    void completed(int result, std::unique_ptr<RingOperation> self) override {
        if (is_silent() && result == 0) return transport_.on_sent(0, 0);
        if (result < 0 && !is_passing(-result)) return transport_.on_sent(0, -result);
        sent_ += static_cast<usize>(std::max(result, 0));
        auto const left = bytes_.size() - sent_;
        auto& operations = transport_.operations_;
        will_wait_ = true;
        if (left > 0) operations.start(std::move(self));
        transport_.on_sent(left, 0);
    }

private:
    SocketTransport& transport_;
    std::string bytes_;
    usize sent_ = 0;
    bool will_wait_ = false;
};

SocketTransport::SocketTransport(CompletionRing& ring, UniqueFd socket, Receiver& receiver, FlushList& flushes, Callbacks callbacks)
    : socket_{std::move(socket)},
      receiver_{receiver},
      flushes_{flushes},
      callbacks_{std::move(callbacks)},
      listen_{new Receive{*this}},
      operations_{ring} {
    auto& output = receiver_.output();
    output.on_ready = [this] { flushes_.add(*this); };
    output.bound = kGiveUp;
    output.on_excess = [this] { give_up(); };
    listen_as_needed();
}

SocketTransport::~SocketTransport() { flushes_.remove(*this); }

void SocketTransport::on_received(std::string_view bytes, int error, std::unique_ptr<RingOperation> self) {
    if (is_lost_) return;
    listen_ = std::move(self);
    if (!bytes.empty()) {
        input_.append(bytes);
        take_messages();
    } else if (error == 0) {
        lose("closed by the client");
    } else if (!is_passing(error)) {
        lose(Error::from_errno("receive", error).message());
    }
    listen_as_needed();
    callbacks_.after_turn();  // may destroy this object
}

void SocketTransport::take_messages() {
    usize taken = 0;
    while (!is_lost_ && input_.size() - taken >= kHeaderSize) {
        auto const rest = std::string_view{input_}.substr(taken);
        auto const header = decode(std::span<char const, kHeaderSize>{rest.data(), kHeaderSize});
        if (header.length > kPayloadMax) return lose("a message longer than the protocol allows");
        if (rest.size() < kHeaderSize + header.length) break;
        receiver_.receive(header, rest.substr(kHeaderSize, header.length));
        taken += kHeaderSize + header.length;
    }
    input_.erase(0, taken);
}

void SocketTransport::flush() {
    auto& output = receiver_.output();
    if (is_lost_ || unsent_ > 0 || output.empty()) return;
    auto bytes = output.take(kSendSize);
    unsent_ = bytes.size();
    operations_.start(std::make_unique<Send>(*this, std::move(bytes)));
}

void SocketTransport::on_sent(usize left, int error) {
    if (is_lost_) return;
    unsent_ = left;
    if (error != 0) lose(Error::from_errno("send", error).message());
    flush();
    listen_as_needed();
    callbacks_.after_turn();  // may destroy this object
}

void SocketTransport::listen_as_needed() {
    if (is_lost_ || !listen_ || unsent_ + receiver_.output().bytes() >= kStopListening) return;
    operations_.start(std::move(listen_));
}

void SocketTransport::give_up() {
    if (is_lost_) return;
    auto const waiting = unsent_ + receiver_.output().bytes();
    spdlog::warn("{}: {} bytes wait for it, and it fetches none of them: it is cut off", receiver_.name(), waiting);
    lose("the client does not fetch what is sent to it");
}

void SocketTransport::lose(std::string_view reason) {
    if (std::exchange(is_lost_, true)) return;
    callbacks_.on_lost(reason);
}

}  // namespace hospes::xenstore
