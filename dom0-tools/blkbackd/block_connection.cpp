// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/block_connection.hpp"

#include <utility>

namespace hospes::blkbackd {

using wire::BlockOperation;

namespace {

constexpr std::size_t kBytesInATurn = 4 << 20;  // then others have their turn

}  // namespace

// It keeps what the kernel works on alive, even if the connection goes away in the middle of the I/O.
struct BlockConnection::Request {
    wire::BlockRequest wire;
    std::vector<wire::BlockSegment> segments;
    BufferPool::Buffer buffer;  // where the data is copied to or from
    std::size_t size = 0;
    std::shared_ptr<Disk const> disk;
    bool is_slow = false;  // counted as a flush or discard
    bool is_finished = false;
    std::int16_t status = BLKIF_RSP_ERROR;

    std::span<std::byte> memory() const { return {buffer.get(), size}; }
};

BlockConnection::BlockConnection(Ports ports, DomId domain, GrantMapping ring, std::shared_ptr<Disk const> disk,
                                 std::function<void(Error const&)> failed)
    : ports_{ports},
      domain_{domain},
      pages_{std::move(ring)},
      ring_{pages_.data(), pages_.page_count() * 4096},
      disk_{std::move(disk)},
      failed_{std::move(failed)} {
    again_ = ports_.loop.make_next_turn([this] { serve(); });
}

Status BlockConnection::start(EventPort remote_port) {
    port_ = HV_TRY(ports_.events.bind_interdomain(domain_, remote_port, [this] { on_port(); }));
    serve();
    return {};
}

void BlockConnection::on_port() {
    serve();
    if (is_broken_) return;
    if (auto const status = port_.unmask(); !status) fail(status.error());
}

// At most one ring's worth of requests a turn, and not much more than so many bytes: a domain whose requests are answered at once, or are
// large, cannot keep the loop for itself. Whatever ends the turn, something is sure to begin the next one: the frontend's event, for which
// the ring is armed; a request of ours that is finished; or again_.
void BlockConnection::serve() {
    if (is_broken_) return;
    is_waiting_for_room_ = false;
    std::size_t begun = 0;
    for (std::uint32_t count = 0; count < ring_.slots() && begun < kBytesInATurn; ++count) {
        if (!has_room()) {
            is_waiting_for_room_ = true;
            return answer_finished();
        }
        blkif_request_t copy;
        auto const state = ring_.take(copy);
        if (state == wire::RingState::broken) return fail(Error{EPROTO, "the frontend's request index is out of bounds"});
        if (state == wire::RingState::empty) {
            if (!ring_.arm()) return answer_finished();
            continue;
        }
        auto request = std::make_shared<Request>();
        request->wire = wire::decode_block_request(copy, kMaxIndirectSegments);
        request->disk = disk_;
        requests_.push_back(request);
        begin(request);
        begun += request->size;
    }
    again_.ask();
    answer_finished();
}

// A few requests always have room, so that a disk gets on however much the others have under way. Who has to wait has a request of its own
// that will be finished.
bool BlockConnection::has_room() const {
    if (slow_in_flight_ >= kMaxSlowOfConnection) return false;
    if (bytes_in_flight_ < kBytesOfItsOwn) return true;
    return bytes_in_flight_ < kMaxBytesOfConnection && ports_.buffers.bytes_in_use() < kMaxBytesOfAll;
}

void BlockConnection::begin(std::shared_ptr<Request> const& request) {
    switch (request->wire.operation) {
        case BlockOperation::read:
        case BlockOperation::write: return begin_transfer(request);
        case BlockOperation::flush: return request->wire.segment_count == 0 ? start_sync(request) : begin_transfer(request);
        case BlockOperation::discard: return start_discard(request);
        case BlockOperation::write_barrier:  // not announced: a flush does the same
        case BlockOperation::unsupported: return finish(*request, BLKIF_RSP_EOPNOTSUPP);
        case BlockOperation::malformed: return finish(*request, BLKIF_RSP_ERROR);
    }
}

void BlockConnection::begin_transfer(std::shared_ptr<Request> const& request) {
    auto const& wire = request->wire;
    request->segments.assign(wire.segments.begin(), wire.segments.begin() + (wire.is_indirect ? 0 : wire.segment_count));
    if (wire.is_indirect && !fetch_indirect(*request)) return finish(*request, BLKIF_RSP_ERROR);
    bool const is_write = wire.operation != BlockOperation::read;
    auto const sectors = wire::total_sectors(request->segments);
    if (is_write && disk_->is_read_only()) return finish(*request, BLKIF_RSP_ERROR);
    if (!wire::is_on_disk(wire.sector, sectors, disk_->sectors(), disk_->block_size() / 512)) return finish(*request, BLKIF_RSP_ERROR);

    request->size = sectors * 512;
    request->buffer = ports_.buffers.take(request->size);
    bytes_in_flight_ += request->size;
    if (is_write) start_write(request);
    else start_read(request);
}

// The descriptors are copied out of the domain's page once, then checked.
bool BlockConnection::fetch_indirect(Request& request) {
    static_assert(kMaxIndirectSegments <= wire::kSegmentsPerIndirectPage);
    auto const descriptors = std::span{descriptors_}.first(request.wire.segment_count * sizeof(blkif_request_segment));
    GrantCopy piece{.direction = GrantCopy::Direction::from_domain,
                    .domain = domain_,
                    .ref = request.wire.indirect_refs[0],
                    .offset = 0,
                    .size = static_cast<std::uint16_t>(descriptors.size()),
                    .local = descriptors.data()};
    if (!ports_.grants.copy(std::span{&piece, 1}) || piece.status != GNTST_okay) return false;
    request.segments.resize(request.wire.segment_count);
    return wire::decode_indirect_segments(descriptors, request.segments);
}

bool BlockConnection::copy_data(Request& request, GrantCopy::Direction direction) {
    pieces_.clear();
    auto* local = request.buffer.get();
    for (auto const& segment : request.segments) {
        auto const size = static_cast<std::uint16_t>(segment.sectors() * 512);
        pieces_.push_back({.direction = direction,
                           .domain = domain_,
                           .ref = segment.ref,
                           .offset = static_cast<std::uint16_t>(segment.first_sector * 512),
                           .size = size,
                           .local = local});
        local += size;
    }
    if (!ports_.grants.copy(pieces_)) return false;
    for (auto const& piece : pieces_)
        if (piece.status != GNTST_okay) return false;
    return true;
}

void BlockConnection::start_read(std::shared_ptr<Request> const& request) {
    auto const hand_over = [](BlockConnection& connection, auto const& done) {
        connection.finish(*done, connection.copy_data(*done, GrantCopy::Direction::to_domain) ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
    };
    ports_.engine.read(disk_->fd(), request->memory(), request->wire.sector * 512, completion(request, hand_over));
}

// Of a flush that carries data the protocol says nothing. Linux's backend flushes and then writes; old frontends of Linux send so what they
// want written durably (FUA), too. To flush again before the answer is right for both.
void BlockConnection::start_write(std::shared_ptr<Request> const& request) {
    if (!copy_data(*request, GrantCopy::Direction::from_domain)) return finish(*request, BLKIF_RSP_ERROR);
    if (request->wire.operation != BlockOperation::flush) return write_data(request, {});
    count_as_slow(*request);
    ports_.engine.sync(disk_->fd(), completion(request, [](BlockConnection& connection, auto const& flushed) {
        connection.write_data(flushed, [](BlockConnection& again, auto const& written) { again.start_sync(written); });
    }));
}

void BlockConnection::write_data(std::shared_ptr<Request> const& request, Next next) {
    ports_.engine.write(disk_->fd(), request->memory(), request->wire.sector * 512, completion(request, std::move(next)));
}

void BlockConnection::start_sync(std::shared_ptr<Request> const& request) {
    if (disk_->is_read_only()) return finish(*request, BLKIF_RSP_OKAY);
    count_as_slow(*request);
    ports_.engine.sync(disk_->fd(), completion(request, {}));
}

void BlockConnection::start_discard(std::shared_ptr<Request> const& request) {
    if (!disk_->can_discard()) return finish(*request, BLKIF_RSP_EOPNOTSUPP);
    auto const& wire = request->wire;
    if (wire.discard_sectors == 0 || !wire::is_on_disk(wire.sector, wire.discard_sectors, disk_->sectors(), disk_->block_size() / 512))
        return finish(*request, BLKIF_RSP_ERROR);
    count_as_slow(*request);
    ports_.engine.discard(disk_->fd(), wire.sector * 512, wire.discard_sectors * 512, completion(request, {}));
}

void BlockConnection::count_as_slow(Request& request) {
    if (!std::exchange(request.is_slow, true)) ++slow_in_flight_;
}

// `next` is for what went well; without it the request is finished. The kernel may finish after the connection has gone: then there is
// nobody to tell, and the request dies with its memory.
IoEngine::Done BlockConnection::completion(std::shared_ptr<Request> const& request, Next next) {
    return [weak = weak_from_this(), request, next = std::move(next)](int error) {
        auto const connection = weak.lock();
        if (!connection || connection->is_broken_) return;
        if (error == 0 && next) next(*connection, request);
        else connection->finish(*request, error == 0 ? BLKIF_RSP_OKAY : error == EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR);
        connection->answer_finished();
        if (connection->is_waiting_for_room_) connection->again_.ask();
    };
}

void BlockConnection::finish(Request& request, std::int16_t status) {
    request.is_finished = true;
    request.status = status;
    if (status == BLKIF_RSP_OKAY) count(request);
    if (request.is_slow) --slow_in_flight_;
    if (!request.buffer) return;
    bytes_in_flight_ -= request.size;
    request.buffer.reset();
}

void BlockConnection::count(Request const& request) {
    if (ports_.counters == nullptr) return;
    if (request.wire.operation == BlockOperation::read) ports_.counters->count_read(request.size);
    else if (request.size > 0) ports_.counters->count_write(request.size);
}

void BlockConnection::answer_finished() {
    if (is_broken_) return;
    while (!requests_.empty() && requests_.front()->is_finished) {
        auto const& request = *requests_.front();
        blkif_response_t response{};
        response.id = request.wire.id;
        response.operation = request.wire.wire_operation;
        response.status = request.status;
        ring_.answer(response);
        requests_.pop_front();
    }
    if (!ring_.publish()) return;
    if (auto const status = port_.notify(); !status) fail(status.error());
}

void BlockConnection::fail(Error const& error) {
    is_broken_ = true;
    port_.reset();
    failed_(error);
}

}  // namespace hospes::blkbackd
