// SPDX-License-Identifier: Apache-2.0
// A block connection as a hostile frontend may use it: any request, pages that are granted and revoked at any moment, I/O that ends in any
// order, connections that end in the middle of it. What we may only read stays as it was, and nothing but the ring is ever mapped.
#include "dom0-tools/blkbackd/block_connection.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/support/fake_event_channels.hpp"
#include "tests/support/fake_grants.hpp"
#include "tests/support/front_ring.hpp"
#include "tests/support/slow_engine.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdlib>

using namespace hospes;
using namespace hospes::blkbackd;

namespace {

constexpr DomId kGuest{3};
constexpr EventPort kPort{2};
constexpr GrantRef kRing{8};
constexpr u32 kFirstRef = 20, kFewRefs = 12;  // those that most requests name
constexpr std::uint64_t kSectors = 256;
constexpr std::byte kUntouched{0x5a};

void demand(bool holds) {
    if (!holds) std::abort();
}

// A disk in memory. It is locked for as long as it is open, so there is one for each mode.
std::shared_ptr<Disk const> open_disk(DiskMode mode) {
    int const fd = ::memfd_create("disk", MFD_CLOEXEC);
    demand(fd >= 0 && ::ftruncate(fd, kSectors * 512) == 0);
    auto disk = Disk::open(fmt::format("/proc/self/fd/{}", fd), mode);
    demand(disk.has_value());
    return std::make_shared<Disk const>(*std::move(disk));
}

class World {
public:
    explicit World(u8 mode) : disk_{disks()[mode % 2]} {
        events_.offer(kGuest, kPort);
        for (u32 ref = kFirstRef; ref < kFirstRef + kFewRefs; ++ref) grant(ref, ref % 4 == 0);
        connect();
    }
    void take_step(test::FuzzInput& input) {
        switch (input.byte() % 16) {
        case 0: ring_page_[input.number<u16>() % 4096] = static_cast<std::byte>(input.byte()); break;
        case 1: front_->req_prod() = front_->rsp_prod() + input.small_or_any<u32>(40); break;
        case 2: revoke(some_ref(input)); break;
        case 3: grant(some_ref(input), input.byte() % 2 != 0); break;
        case 4: reconnect(); break;
        case 5: case 6: engine_.next_error = input.byte() % 2 != 0 ? EIO : EAGAIN; break;
        case 7: loop_.run_once(false); break;
        case 8: describe_segments(input); break;
        case 9: put_indirect(input); break;
        case 10: case 11: case 12: put(input); break;
        case 13: kick(); break;
        default: perform(input.byte());
        }
        if (has_failed_) reconnect();
    }
    void check() {
        demand(connection_->in_flight() <= front_->slots());
        demand(grants_.mapped_pages() == 1);
        for (auto const ref : read_only_) {
            auto const* const page = grants_.page(kGuest, GrantRef{ref});
            demand(std::all_of(page, page + 4096, [](std::byte value) { return value == kUntouched; }));
        }
    }
    void end() {
        connection_.reset();
        perform_all();
        loop_.run_once(false);
        demand(grants_.mapped_pages() == 0);
        demand(events_.ports().empty());
    }

private:
    static std::array<std::shared_ptr<Disk const>, 2> const& disks() {
        static std::array const both{open_disk(DiskMode::read_write), open_disk(DiskMode::read_only)};
        return both;
    }
    static u32 some_ref(test::FuzzInput& input) { return kFirstRef + input.small_or_any<u32>(kFewRefs + 1); }

    void connect() {
        std::array const refs{kRing};
        auto ring = grants_.map(kGuest, refs, Access::read_write);
        BlockConnection::Ports const ports{loop_, events_, grants_, engine_, buffers_, nullptr};
        auto const failed = [this](Error const&) { has_failed_ = true; };
        connection_ = std::make_shared<BlockConnection>(ports, kGuest, *std::move(ring), disk_, failed);
        demand(connection_->start(kPort).has_value());
    }
    // A frontend that has broken its ring begins anew; one that lives goes on where it was.
    void reconnect() {
        connection_.reset();
        if (std::exchange(has_failed_, false)) {
            std::fill_n(ring_page_, 4096, std::byte{0});
            front_.emplace(ring_page_, 4096);
        }
        connect();
    }
    void grant(u32 ref, bool read_only) {
        auto* const page = grants_.grant(kGuest, GrantRef{ref}, read_only);
        std::fill_n(page, 4096, kUntouched);
        if (read_only) read_only_.insert(ref);
        else read_only_.erase(ref);
    }
    void revoke(u32 ref) {
        grants_.revoke(kGuest, GrantRef{ref});
        read_only_.erase(ref);
    }
    void put(test::FuzzInput& input) {
        blkif_request_t request{};
        request.operation = input.small_or_any<u8>(8);
        request.nr_segments = input.small_or_any<u8>(BLKIF_MAX_SEGMENTS_PER_REQUEST + 1);
        request.id = input.byte();
        request.sector_number = input.small_or_any<u64>(255);
        auto const count = std::min<usize>(request.nr_segments, BLKIF_MAX_SEGMENTS_PER_REQUEST);
        for (auto& segment : std::span{request.seg}.first(count)) segment = segment_of(input);
        front_->put(request);
        if (input.byte() % 2 != 0) kick();
    }
    static blkif_request_segment segment_of(test::FuzzInput& input) {
        return {.gref = some_ref(input), .first_sect = input.small_or_any<u8>(8), .last_sect = input.small_or_any<u8>(9)};
    }
    void put_indirect(test::FuzzInput& input) {
        blkif_request_indirect_t request{};
        request.operation = BLKIF_OP_INDIRECT;
        request.indirect_op = static_cast<u8>(input.byte() % 3);
        request.nr_segments = input.small_or_any<u16>(30);
        request.sector_number = input.byte();
        for (auto& ref : request.indirect_grefs) ref = some_ref(input);
        front_->put(request);
        kick();
    }
    void describe_segments(test::FuzzInput& input) {
        auto const ref = kFirstRef + 1;
        grant(ref, false);
        auto* const page = grants_.page(kGuest, GrantRef{ref});
        for (usize i = 0, count = input.byte() % 40; i < count; ++i) {
            auto const segment = segment_of(input);
            std::memcpy(page + i * sizeof segment, &segment, sizeof segment);
        }
    }
    void kick() {
        if (!events_.ports().empty()) events_.fire(events_.local_port(kGuest, kPort));
    }
    void perform(u8 index) {
        if (!engine_.pending.empty()) engine_.perform(index % engine_.pending.size());
        take_answers();
    }
    void perform_all() {
        engine_.perform_all();
        take_answers();
    }
    void take_answers() {
        for (usize count = 0; count < front_->slots() && front_->take(); ++count) {
        }
    }

    std::shared_ptr<Disk const> disk_;
    EventLoop loop_;
    test::FakeEventChannels events_;
    test::FakeGrants grants_;
    BufferPool buffers_{{}};  // each buffer is allocated, for the sanitizers to guard
    test::block::SlowEngine engine_;
    std::byte* ring_page_ = grants_.grant(kGuest, kRing);
    std::optional<test::FrontBlkRing> front_{std::in_place, ring_page_, 4096};
    std::shared_ptr<BlockConnection> connection_;
    std::set<u32> read_only_;
    bool has_failed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    spdlog::set_level(spdlog::level::off);
    test::FuzzInput input{data, size};
    World world{input.byte()};
    while (!input.is_empty()) {
        world.take_step(input);
        world.check();
    }
    world.end();
    return 0;
}
