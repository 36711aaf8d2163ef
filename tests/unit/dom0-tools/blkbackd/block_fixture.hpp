// SPDX-License-Identifier: Apache-2.0
// A block connection between a frontend that a test plays and a disk whose I/O the test performs.
#pragma once

#include "dom0-tools/blkbackd/block_connection.hpp"
#include "tests/support/fake_event_channels.hpp"
#include "tests/support/fake_grants.hpp"
#include "tests/support/front_ring.hpp"
#include "tests/support/slow_engine.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <fstream>

namespace hospes::test::block {

using namespace blkbackd;

inline constexpr DomId kGuest{3};
inline constexpr EventPort kPort{2};
inline constexpr std::uint64_t kSectors = 2048;

struct Fixture {
    EventLoop loop;
    TemporaryFolder folder;
    FakeEventChannels events;
    FakeGrants grants;
    BufferPool buffers{*grants.copy_memory(BufferPool::kPages)};
    SlowEngine engine;
    std::byte* ring_page = grants.grant(kGuest, GrantRef{8});
    FrontBlkRing front{ring_page, 4096};
    std::shared_ptr<Disk const> disk;
    std::optional<DiskCounters> counters;
    std::shared_ptr<BlockConnection> connection;
    std::byte* mapped_ring = nullptr;  // as the connection sees it
    std::vector<std::string> failures;

    explicit Fixture(DiskMode mode = DiskMode::read_write) {
        std::ofstream{folder.path() + "/disk.img"}.close();
        std::filesystem::resize_file(folder.path() + "/disk.img", kSectors * 512);
        disk = std::make_shared<Disk const>(*Disk::open(folder.path() + "/disk.img", mode));
        events.offer(kGuest, kPort);
        connect();
    }
    ~Fixture() {
        connection.reset();
        engine.pending.clear();
        CHECK(grants.mapped_pages() == 0);
        CHECK(events.ports().empty());
    }
    void connect() {
        std::array const refs{GrantRef{8}};
        auto ring = *grants.map(kGuest, refs, Access::read_write);
        mapped_ring = ring.data();
        BlockConnection::Ports const ports{loop, events, grants, engine, buffers, counters ? &*counters : nullptr};
        connection = std::make_shared<BlockConnection>(ports, kGuest, std::move(ring), disk, [this](Error const& error) { failures.push_back(error.message()); });
        REQUIRE(connection->start(kPort).has_value());
    }
    void kick_and_perform() {
        kick();
        engine.perform_all();
    }
    void turns(int count) {
        for (int i = 0; i < count; ++i) loop.run_once(false);
    }
    void kick() { events.fire(events.local_port(kGuest, kPort)); }

    // One page of data under `ref`, all of it.
    void put(std::uint8_t operation, std::uint64_t id, std::uint64_t sector, std::uint32_t ref) {
        blkif_request_t request{};
        request.operation = operation;
        request.nr_segments = 1;
        request.id = id;
        request.sector_number = sector;
        request.seg[0] = {.gref = ref, .first_sect = 0, .last_sect = 7};
        front.put(request);
    }
    // Whole pages, which `count` descriptors in the page of `table` name.
    void put_indirect(std::uint8_t operation, std::uint64_t id, std::uint32_t table, std::uint16_t count) {
        blkif_request_indirect_t request{};
        request.operation = BLKIF_OP_INDIRECT;
        request.indirect_op = operation;
        request.nr_segments = count;
        request.id = id;
        request.indirect_grefs[0] = table;
        front.put(request);
    }
    static void describe(std::byte* table, std::size_t number, std::uint32_t ref) {
        blkif_request_segment const segment{.gref = ref, .first_sect = 0, .last_sect = 7};
        std::memcpy(table + number * sizeof segment, &segment, sizeof segment);
    }
    std::byte* page(std::uint32_t ref, int fill, bool read_only = false) {
        auto* const bytes = grants.grant(kGuest, GrantRef{ref}, read_only);
        std::fill_n(bytes, 4096, static_cast<std::byte>(fill));
        return bytes;
    }
    // The start of the image, read through the page cache: the backend's own descriptor may want aligned memory.
    std::vector<std::byte> content(std::size_t size) const {
        std::vector<std::byte> bytes(size);
        std::ifstream{disk->path()}.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
        return bytes;
    }
    void expect(std::uint64_t id, std::int16_t status) {
        auto const response = front.take();
        REQUIRE(response.has_value());
        CHECK(response->id == id);
        CHECK(response->status == status);
    }
};

}  // namespace hospes::test::block
