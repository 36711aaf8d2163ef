// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/netbackd/net_connection.hpp"

#include "dom0-tools/netbackd/offload_header.hpp"

#include <spdlog/spdlog.h>

#include <sys/uio.h>

#include <array>

namespace hospes::netbackd {
namespace {

constexpr std::size_t kBatch = 64;           // packets
constexpr int kBatchesPerTurn = 4;           // then others have their turn

// Where a packet begins in its first page, so that its first whole page, and as a rule each that follows, becomes one of ours: a
// piece that crosses the end of a page of ours takes two operations.
std::size_t offset_of_frame(wire::TxPacket const& packet) {
    std::size_t before = 0;
    for (auto const& slot : std::span{packet.slots}.first(packet.slot_count)) {
        if (slot.size == 4096) return (4096 - before % 4096) % 4096;
        before += slot.size;
    }
    return 0;
}

}  // namespace

NetConnection::NetConnection(Ports ports, DomId domain, Rings rings, int tap_fd, std::size_t largest_frame, std::function<void(Error const&)> failed)
    : ports_{ports},
      domain_{domain},
      pages_{std::move(rings)},
      tx_{pages_.tx.data(), 4096},
      rx_{pages_.rx.data(), 4096},
      tap_fd_{tap_fd},
      largest_slots_{wire::rx_slots_for(largest_frame, largest_frame > 4096)},
      failed_{std::move(failed)} {
    again_ = ports_.loop.make_next_turn([this] { serve(); });
}

Status NetConnection::start(EventPort remote_port) {
    port_ = HV_TRY(ports_.events.bind_interdomain(domain_, remote_port, [this] { on_port(); }));
    tap_watch_ = HV_TRY(ports_.loop.watch_fd(tap_fd_, {.readable = true}, [this](FdEvents events) { on_tap(events); }));
    is_tap_watched_ = true;
    serve();
    return {};
}

void NetConnection::on_port() {
    serve();
    if (is_broken_) return;
    if (has_rx_room()) watch_tap(true);
    if (is_broken_) return;
    if (auto const status = port_.unmask(); !status) fail(status.error());
}

// The control domain often answers a frame while it takes it (an acknowledgment). So the tap is read after each batch: the
// answer neither waits for the frames behind that batch, nor costs a turn of the loop and a notification of its own. As many
// frames are expected as went out: of one that comes alone, no second read has to find out that it did.
void NetConnection::serve() {
    for (int count = 0; count < kBatchesPerTurn && !is_broken_; ++count) {
        if (take_tx_batch()) {
            send_tx_batch();
            if (!is_broken_) serve_rx(outgoing_.size());
            notify_if_wanted();
        } else if (is_broken_ || !tx_.arm()) {
            return;
        }
    }
    if (!is_broken_) again_.ask();
}

// --- from the domain to the tap

bool NetConnection::take_tx_batch() {
    ports_.frames.clear();
    pieces_.clear();
    outgoing_.clear();
    while (outgoing_.size() < kBatch && ports_.frames.has_room()) {
        auto& outgoing = outgoing_.emplace_back();
        auto const taken = wire::take_packet(tx_, outgoing.packet);
        if (taken == wire::TxTaken::broken) {
            fail(make_error(EPROTO, "the frontend breaks the protocol of its transmit ring: {}", outgoing.packet.refusal));
            return false;
        }
        if (taken == wire::TxTaken::none) {
            outgoing_.pop_back();
            break;
        }
        if (!outgoing.packet.is_acceptable) continue;
        outgoing.frame = ports_.frames.keep(outgoing.packet.size, offset_of_frame(outgoing.packet));
        outgoing.first_piece = pieces_.size();
        outgoing.piece_count = outgoing.packet.slot_count;
        auto* local = outgoing.frame.data();
        for (auto const& slot : std::span{outgoing.packet.slots}.first(outgoing.packet.slot_count)) {
            pieces_.push_back({.direction = GrantCopy::Direction::from_domain, .domain = domain_, .ref = slot.ref, .offset = slot.offset, .size = slot.size, .local = local});
            local += slot.size;
        }
    }
    return !outgoing_.empty();
}

void NetConnection::send_tx_batch() {
    if (!pieces_.empty()) {
        if (auto const status = ports_.grants.copy(pieces_); !status) return fail(status.error());
    }
    for (auto const& outgoing : outgoing_) wire::answer_packet(tx_, outgoing.packet, send(outgoing));
    is_notification_wanted_ |= tx_.publish();
}

std::int16_t NetConnection::send(Outgoing const& outgoing) {
    if (!outgoing.packet.is_acceptable || !pieces_arrived(outgoing.first_piece, outgoing.piece_count)) return NETIF_RSP_ERROR;
    auto header = header_for_tap(outgoing.frame, outgoing.packet.flags);
    if (!header) return NETIF_RSP_DROPPED;
    std::array<iovec, 2> parts{iovec{&*header, sizeof *header}, iovec{outgoing.frame.data(), outgoing.frame.size()}};
    // Where the control domain has no room for a packet, it is lost, as on any wire.
    return ::writev(tap_fd_, parts.data(), parts.size()) < 0 ? NETIF_RSP_DROPPED : NETIF_RSP_OKAY;
}

// --- from the tap to the domain

void NetConnection::on_tap(FdEvents events) {
    if (events.failed) return fail(Error{EIO, "its tap interface was taken down"});
    serve_rx(kBatch);
    notify_if_wanted();
}

void NetConnection::serve_rx(std::size_t expected) {
    if (take_rx_batch(expected)) deliver_rx_batch();
}

// A frame of more than a page is part of a stream: there may be more of it than was expected.
bool NetConnection::has_batch_room(std::size_t expected) const {
    if (incoming_.size() >= kBatch || !ports_.frames.has_room()) return false;
    return incoming_.size() < expected || (!incoming_.empty() && incoming_.back().frame.size() > 4096);
}

// Room for the largest packet: its size is known only when it has been read, and then it must go somewhere.
bool NetConnection::has_rx_room() {
    for (;;) {
        std::uint32_t waiting = 0;
        if (rx_.count_waiting(waiting) == wire::RingState::broken) {
            fail(Error{EPROTO, "the frontend's receive index is out of bounds"});
            return false;
        }
        if (waiting >= largest_slots_) return true;
        if (!rx_.arm(largest_slots_)) return false;
    }
}

bool NetConnection::take_rx_batch(std::size_t expected) {
    ports_.frames.clear();
    pieces_.clear();
    incoming_.clear();
    rx_requests_.clear();
    while (has_batch_room(expected)) {
        if (!has_rx_room()) {
            watch_tap(false);  // until the domain gives us buffers; the tap's queue keeps what it can
            break;
        }
        TapHeader header{};
        auto const room = ports_.frames.next();
        std::array<iovec, 2> parts{iovec{&header, sizeof header}, iovec{room.data(), room.size()}};
        auto const count = ::readv(tap_fd_, parts.data(), parts.size());
        if (count <= static_cast<ssize_t>(sizeof header)) break;
        auto const size = static_cast<std::size_t>(count) - sizeof header;
        auto const flags = flags_from_tap(header);
        if (!flags || size > wire::kMaxPacketSize || wire::rx_slots_for(size, flags->gso.kind != wire::GsoKind::none) > largest_slots_) continue;
        plan_rx(*flags, ports_.frames.keep(size));
    }
    return !is_broken_ && !incoming_.empty();
}

void NetConnection::plan_rx(wire::NetFlags const& flags, std::span<std::byte> frame) {
    bool const has_gso = flags.gso.kind != wire::GsoKind::none;
    auto& incoming = incoming_.emplace_back();
    incoming = {.flags = flags,
                .frame = frame,
                .first_request = rx_requests_.size(),
                .request_count = wire::rx_slots_for(frame.size(), has_gso),
                .first_piece = pieces_.size()};
    for (std::size_t i = 0, done = 0; i < incoming.request_count; ++i) {
        auto const request = rx_.peek<netif_rx_request_t>(0);
        rx_.advance(1);
        rx_requests_.push_back(request);
        if (i == 1 && has_gso) continue;  // its buffer stays unused: the slot carries the extra info
        auto const part = std::min<std::size_t>(frame.size() - done, 4096);
        pieces_.push_back({.direction = GrantCopy::Direction::to_domain, .domain = domain_, .ref = GrantRef{request.gref}, .offset = 0,
                           .size = static_cast<std::uint16_t>(part), .local = frame.data() + done});
        done += part;
    }
    incoming.piece_count = pieces_.size() - incoming.first_piece;
}

void NetConnection::deliver_rx_batch() {
    if (auto const status = ports_.grants.copy(pieces_); !status) return fail(status.error());
    for (auto const& incoming : incoming_) {
        auto const requests = std::span{rx_requests_}.subspan(incoming.first_request, incoming.request_count);
        if (pieces_arrived(incoming.first_piece, incoming.piece_count)) {
            wire::answer_received(rx_, requests, incoming.frame.size(), incoming.flags);
        } else {
            wire::refuse_received(rx_, requests);
        }
    }
    is_notification_wanted_ |= rx_.publish();
}

// --- both

bool NetConnection::pieces_arrived(std::size_t first, std::size_t count) const {
    for (auto const& piece : std::span{pieces_}.subspan(first, count))
        if (piece.status != GNTST_okay) return false;
    return true;
}

// libuv takes a descriptor out of epoll and puts it back, even to watch it for the same: two system calls.
void NetConnection::watch_tap(bool wanted) {
    if (is_broken_ || std::exchange(is_tap_watched_, wanted) == wanted) return;
    if (auto const status = tap_watch_.set_events({.readable = wanted}); !status) fail(status.error());
}

void NetConnection::notify_if_wanted() {
    if (is_broken_ || !std::exchange(is_notification_wanted_, false)) return;
    if (auto const status = port_.notify(); !status) fail(status.error());
}

void NetConnection::fail(Error const& error) {
    if (std::exchange(is_broken_, true)) return;
    tap_watch_.reset();
    port_.reset();
    failed_(error);
}

}  // namespace hospes::netbackd
