// SPDX-License-Identifier: Apache-2.0
// The ring of one connected block frontend. Requests are served side by side but answered in the order in which they were
// taken: so the requests from rsp_prod on are all still whole in the ring, and a daemon that was killed is followed by one
// that serves them again.
#pragma once

#include "dom0-tools/base/disk_counters.hpp"
#include "dom0-tools/base/event_loop.hpp"
#include "dom0-tools/blkbackd/disk.hpp"
#include "dom0-tools/blkbackd/io_engine.hpp"
#include "dom0-tools/blkbackd/page_buffer.hpp"
#include "dom0-tools/ports/event_channel.hpp"
#include "dom0-tools/ports/grant.hpp"
#include "dom0-tools/wire/back_ring.hpp"
#include "dom0-tools/wire/block_request.hpp"

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace hospes::blkbackd {

inline constexpr std::uint16_t kMaxIndirectSegments = 256;

// How much data may be under way before requests stay in the ring: of one connection, and of all that share a pool of buffers. The first
// is four times what Linux's frontend has under way as it comes: 32 requests of 128 KiB. The last are a connection's own, however much
// the others have under way.
inline constexpr std::size_t kMaxBytesOfConnection = 16 << 20;
inline constexpr std::size_t kMaxBytesOfAll = 64 << 20;
inline constexpr std::size_t kBytesOfItsOwn = 1 << 20;

// Flushes and discards of a connection that may be under way: the kernel has few threads for what waits so long, and all disks share them.
inline constexpr std::size_t kMaxSlowOfConnection = 4;

class BlockConnection : public std::enable_shared_from_this<BlockConnection> {
public:
    struct Ports {
        EventLoop& loop;
        EventChannelDevice& events;
        GrantDevice& grants;
        IoEngine& engine;
        BufferPool& buffers;
        DiskCounters* counters = nullptr;  ///< null: nobody counts
    };

    // `ring` are the mapped ring pages. `failed` is called when the frontend breaks the protocol; nothing is served after that.
    BlockConnection(Ports ports, DomId domain, GrantMapping ring, std::shared_ptr<Disk const> disk,
                    std::function<void(Error const&)> failed);

    // Binds the event channel and looks at the ring: requests may be waiting already.
    Status start(EventPort remote_port);

    std::size_t in_flight() const { return requests_.size(); }

private:
    struct Request;
    using Next = std::function<void(BlockConnection&, std::shared_ptr<Request> const&)>;

    void on_port();
    void serve();
    bool has_room() const;
    void begin(std::shared_ptr<Request> const& request);
    void begin_transfer(std::shared_ptr<Request> const& request);
    bool fetch_indirect(Request& request);
    bool copy_data(Request& request, GrantCopy::Direction direction);
    void start_read(std::shared_ptr<Request> const& request);
    void start_write(std::shared_ptr<Request> const& request);
    void write_data(std::shared_ptr<Request> const& request, Next next);
    void start_sync(std::shared_ptr<Request> const& request);
    void start_discard(std::shared_ptr<Request> const& request);
    void count_as_slow(Request& request);
    IoEngine::Done completion(std::shared_ptr<Request> const& request, Next next);
    void finish(Request& request, std::int16_t status);
    void count(Request const& request);
    void answer_finished();
    void fail(Error const& error);

    Ports ports_;
    DomId domain_;
    GrantMapping pages_;
    wire::BlkRing ring_;
    std::shared_ptr<Disk const> disk_;
    std::function<void(Error const&)> failed_;
    BoundPort port_;
    NextTurn again_;
    std::deque<std::shared_ptr<Request>> requests_;  // taken and unanswered, in the order of the ring
    std::vector<GrantCopy> pieces_;                  // kept between calls
    std::array<std::byte, 4096> descriptors_;        // of an indirect request: a copy
    std::size_t bytes_in_flight_ = 0;                // of requests that hold a buffer
    std::size_t slow_in_flight_ = 0;                 // flushes and discards
    bool is_waiting_for_room_ = false;               // requests may be in the ring, and nobody will notify us of them
    bool is_broken_ = false;
};

}  // namespace hospes::blkbackd
