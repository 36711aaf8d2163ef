// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transport/socket_transport.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>

namespace hospes::xenstore {

namespace {

constexpr usize kReadSize = 16 * 1024;           // at most this much of one client in a turn
constexpr usize kStopListening = 1 << 20;        // bytes that wait for a client that goes on asking
constexpr usize kGiveUp = 64 << 20;              // bytes that wait for a client that does not read
constexpr usize kMessagesAtOnce = 64;

}  // namespace

SocketTransport::SocketTransport(UniqueFd socket, Receiver& receiver, FlushList& flushes, Callbacks callbacks)
    : socket_{std::move(socket)}, receiver_{receiver}, flushes_{flushes}, callbacks_{std::move(callbacks)} {
    receiver_.output().on_ready = [this] { flushes_.add(*this); };
}

SocketTransport::~SocketTransport() { flushes_.remove(*this); }

Status SocketTransport::start(EventLoop& loop) {
    watch_ = HV_TRY(loop.watch_fd(socket_.get(), wanted_, [this](FdEvents events) { on_ready(events); }));
    return {};
}

void SocketTransport::on_ready(FdEvents events) {
    if (is_lost_) return;
    if (events.writable) flush();
    if (events.readable) read_some();
    if (events.failed) lose("the socket failed");
    callbacks_.after_turn();  // may destroy this object
}

void SocketTransport::read_some() {
    std::array<char, kReadSize> buffer;
    ssize_t const count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count > 0) {
        input_.append(buffer.data(), static_cast<usize>(count));
        take_messages();
    } else if (count == 0) {
        lose("closed by the client");
    } else if (errno != EAGAIN && errno != EINTR) {
        lose(Error::from_errno("receive").message());
    }
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
    while (!is_lost_ && !output.empty()) {
        std::array<iovec, kMessagesAtOnce> pieces;
        auto const waiting = output.front(kMessagesAtOnce);
        for (usize i = 0; i < waiting.size(); ++i) {
            pieces[i] = {const_cast<char*>(waiting[i].data()), waiting[i].size()};  // sendmsg() does not write there
        }
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = waiting.size();
        ssize_t const sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            output.pop(static_cast<usize>(sent));
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            lose(Error::from_errno("send").message());
        }
    }
    if (output.bytes() > kGiveUp) lose("the client does not fetch what was sent to it");
    listen_as_needed();
}

void SocketTransport::listen_as_needed() {
    if (is_lost_ || !watch_) return;
    auto const waiting = receiver_.output().bytes();
    bool const readable = waiting < kStopListening;
    bool const writable = waiting > 0;
    if (readable == wanted_.readable && writable == wanted_.writable) return;
    wanted_ = {.readable = readable, .writable = writable};
    if (auto const set = watch_.set_events(wanted_); !set) lose(set.error().message());
}

void SocketTransport::lose(std::string_view reason) {
    if (std::exchange(is_lost_, true)) return;
    watch_.reset();
    callbacks_.on_lost(reason);
}

}  // namespace hospes::xenstore
