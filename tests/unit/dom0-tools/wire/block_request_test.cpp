// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/block_request.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <random>

using namespace hospes;
using namespace hospes::wire;

namespace {

blkif_request_t direct(std::uint8_t operation, std::uint8_t segments) {
    blkif_request_t raw{};
    raw.operation = operation;
    raw.nr_segments = segments;
    raw.id = 77;
    raw.sector_number = 40;
    for (auto& segment : raw.seg) segment = {.gref = 9, .first_sect = 0, .last_sect = 7};
    return raw;
}

template <typename T>
blkif_request_t as_slot(T const& special) {
    blkif_request_t raw{};
    std::memcpy(&raw, &special, sizeof special);
    return raw;
}

}  // namespace

TEST_CASE("a read of eleven pages is decoded", "[wire][block]") {
    auto const request = decode_block_request(direct(BLKIF_OP_READ, 11), 256);
    CHECK(request.operation == BlockOperation::read);
    CHECK(request.id == 77);
    CHECK(request.sector == 40);
    REQUIRE(request.segment_count == 11);
    CHECK(request.segments[10].ref == GrantRef{9});
    CHECK(total_sectors(std::span{request.segments}.first(11)) == 88);
}

TEST_CASE("segments outside their page, and too many or too few of them, are malformed", "[wire][block]") {
    auto raw = direct(BLKIF_OP_WRITE, 2);
    SECTION("last before first") { raw.seg[1] = {.gref = 9, .first_sect = 3, .last_sect = 2}; }
    SECTION("behind the page") { raw.seg[1].last_sect = 8; }
    SECTION("twelve") { raw.nr_segments = 12; }
    SECTION("255") { raw.nr_segments = 255; }
    SECTION("none") { raw.nr_segments = 0; }
    auto const request = decode_block_request(raw, 256);
    CHECK(request.operation == BlockOperation::malformed);
    CHECK(request.id == 77);  // the answer must name it
}

TEST_CASE("a flush needs no data, an unknown operation is said to be unsupported", "[wire][block]") {
    CHECK(decode_block_request(direct(BLKIF_OP_FLUSH_DISKCACHE, 0), 256).operation == BlockOperation::flush);
    CHECK(decode_block_request(direct(99, 0), 256).operation == BlockOperation::unsupported);
}

TEST_CASE("an indirect request names its pages; its response repeats the operation inside", "[wire][block]") {
    blkif_request_indirect_t raw{};
    raw.operation = BLKIF_OP_INDIRECT;
    raw.indirect_op = BLKIF_OP_WRITE;
    raw.nr_segments = 256;
    raw.id = 5;
    raw.sector_number = 8;
    raw.indirect_grefs[0] = 31;
    auto const request = decode_block_request(as_slot(raw), 256);
    CHECK(request.operation == BlockOperation::write);
    CHECK(request.wire_operation == BLKIF_OP_WRITE);
    CHECK(request.is_indirect);
    CHECK(request.segment_count == 256);
    CHECK(request.indirect_refs[0] == GrantRef{31});

    raw.nr_segments = GENERATE(std::uint16_t{0}, std::uint16_t{257}, std::uint16_t{65535});
    CHECK(decode_block_request(as_slot(raw), 256).operation == BlockOperation::malformed);
    raw.nr_segments = 1;
    raw.indirect_op = GENERATE(std::uint8_t{BLKIF_OP_INDIRECT}, std::uint8_t{BLKIF_OP_FLUSH_DISKCACHE}, std::uint8_t{BLKIF_OP_DISCARD});
    CHECK(decode_block_request(as_slot(raw), 256).operation == BlockOperation::malformed);
}

TEST_CASE("indirect segments are checked like direct ones", "[wire][block]") {
    std::array<blkif_request_segment, 3> raw{};
    std::array<BlockSegment, 3> segments;
    CHECK(decode_indirect_segments(std::as_bytes(std::span{raw}), segments));
    raw[2] = {.gref = 1, .first_sect = 5, .last_sect = 4};
    CHECK(!decode_indirect_segments(std::as_bytes(std::span{raw}), segments));
    CHECK(!decode_indirect_segments(std::as_bytes(std::span{raw}).first(8), segments));
}

TEST_CASE("a request must lie on the disk, whatever overflows", "[wire][block]") {
    CHECK(is_on_disk(0, 100, 100, 1));
    CHECK(is_on_disk(99, 1, 100, 1));
    CHECK(!is_on_disk(100, 1, 100, 1));
    CHECK(!is_on_disk(UINT64_MAX, 2, 100, 1));
    CHECK(!is_on_disk(50, UINT64_MAX, 100, 1));
    CHECK(is_on_disk(8, 8, 100, 8));
    CHECK(!is_on_disk(4, 8, 100, 8));
    CHECK(!is_on_disk(8, 4, 100, 8));
}

TEST_CASE("any 112 bytes decode to something within its bounds", "[wire][block][property]") {
    auto const seed = GENERATE(take(20, random(0u, UINT32_MAX)));
    INFO("seed " << seed);
    std::mt19937 rng{seed};
    for (int step = 0; step < 500; ++step) {
        blkif_request_t raw{};
        std::array<std::byte, sizeof raw> bytes;
        for (auto& byte : bytes) byte = static_cast<std::byte>(rng() % 4 == 0 ? rng() : rng() % 9);
        std::memcpy(&raw, bytes.data(), sizeof raw);
        auto const request = decode_block_request(raw, 256);
        REQUIRE(request.segment_count <= (request.is_indirect ? 256 : 11));
        if (request.operation == BlockOperation::malformed || request.is_indirect) continue;
        for (auto const& segment : std::span{request.segments}.first(request.segment_count)) REQUIRE((segment.last_sector < 8 && segment.first_sector <= segment.last_sector));
    }
}
