// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/copy_segments.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace hospes;
using Direction = GrantCopy::Direction;

namespace {

constexpr DomId kGuest{3};
constexpr GrantRef kTheirs{77};
constexpr unsigned kBoth = GNTCOPY_source_gref | GNTCOPY_dest_gref;

struct Fixture {
    alignas(4096) std::array<std::byte, 3 * 4096> memory{};
    alignas(4096) std::array<std::byte, 4096> other{};
    GrantedMemory own{memory, {GrantRef{10}, GrantRef{20}, GrantRef{30}}};
    CopySegments copies;

    GrantCopy piece(Direction direction, std::byte* local, std::uint16_t offset, std::uint16_t size) const {
        return {.direction = direction, .domain = kGuest, .ref = kTheirs, .offset = offset, .size = size, .local = local};
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "memory of no grant is named by its address") {
    std::array const pieces{piece(Direction::from_domain, other.data() + 5, 7, 100), piece(Direction::to_domain, other.data(), 0, 4096)};
    copies.assign(pieces, own);
    auto const segments = copies.segments();
    REQUIRE(segments.size() == 2);
    CHECK(segments[0].flags == GNTCOPY_source_gref);
    CHECK(segments[0].source.foreign.ref == kTheirs.raw());
    CHECK(segments[0].source.foreign.domid == kGuest.raw());
    CHECK(segments[0].source.foreign.offset == 7);
    CHECK(segments[0].dest.virt == other.data() + 5);
    CHECK(segments[0].len == 100);
    CHECK(segments[1].flags == GNTCOPY_dest_gref);
    CHECK(segments[1].source.virt == other.data());
    CHECK(segments[1].dest.foreign.ref == kTheirs.raw());
    CHECK(segments[1].len == 4096);
}

TEST_CASE_METHOD(Fixture, "our own granted pages are named by their grants, as our own") {
    std::array const pieces{piece(Direction::from_domain, memory.data() + 4096, 0, 4096),
                            piece(Direction::to_domain, memory.data() + 8192 + 40, 8, 60)};
    copies.assign(pieces, own);
    auto const segments = copies.segments();
    REQUIRE(segments.size() == 2);
    CHECK(segments[0].flags == kBoth);
    CHECK(segments[0].dest.foreign.ref == 20);
    CHECK(segments[0].dest.foreign.domid == DOMID_SELF);
    CHECK(segments[0].dest.foreign.offset == 0);
    CHECK(segments[1].flags == kBoth);
    CHECK(segments[1].source.foreign.ref == 30);
    CHECK(segments[1].source.foreign.offset == 40);
    CHECK(segments[1].dest.foreign.offset == 8);
}

TEST_CASE_METHOD(Fixture, "a piece that crosses a page of ours becomes two segments, and fails when either does") {
    std::array pieces{piece(Direction::from_domain, memory.data() + 4000, 16, 200),
                      piece(Direction::from_domain, memory.data() + 8192, 0, 1)};
    copies.assign(pieces, own);
    auto const segments = copies.segments();
    REQUIRE(segments.size() == 3);
    CHECK(segments[0].len == 96);
    CHECK(segments[0].dest.foreign.ref == 10);
    CHECK(segments[0].dest.foreign.offset == 4000);
    CHECK(segments[0].source.foreign.offset == 16);
    CHECK(segments[1].len == 104);
    CHECK(segments[1].dest.foreign.ref == 20);
    CHECK(segments[1].dest.foreign.offset == 0);
    CHECK(segments[1].source.foreign.offset == 112);

    for (auto const& [bad, status] : {std::pair{0, GNTST_bad_gntref}, {1, GNTST_bad_page}}) {
        for (auto& segment : copies.segments()) segment.status = GNTST_okay;
        copies.segments()[static_cast<std::size_t>(bad)].status = static_cast<std::int16_t>(status);
        copies.tell(pieces);
        CHECK(pieces[0].status == status);
        CHECK(pieces[1].status == GNTST_okay);
    }
    for (auto& segment : copies.segments()) segment.status = GNTST_okay;
    copies.segments()[2].status = GNTST_bad_page;
    copies.tell(pieces);
    CHECK(pieces[0].status == GNTST_okay);
    CHECK(pieces[1].status == GNTST_bad_page);
}

TEST_CASE_METHOD(Fixture, "a piece does not begin with the status of the one before it") {
    std::array pieces{piece(Direction::from_domain, memory.data() + 4000, 0, 200)};
    copies.assign(pieces, own);
    for (auto& segment : copies.segments()) segment.status = GNTST_bad_page;
    copies.assign(pieces, own);
    copies.tell(pieces);
    CHECK(pieces[0].status == GNTST_okay);
}

TEST_CASE_METHOD(Fixture, "a piece of no bytes has a status of its own") {
    std::array pieces{piece(Direction::from_domain, memory.data(), 0, 0), piece(Direction::to_domain, memory.data(), 0, 1)};
    copies.assign(pieces, own);
    REQUIRE(copies.segments().size() == 2);
    copies.segments()[0].status = GNTST_bad_gntref;
    copies.segments()[1].status = GNTST_okay;
    copies.tell(pieces);
    CHECK(pieces[0].status == GNTST_bad_gntref);
    CHECK(pieces[1].status == GNTST_okay);
}

TEST_CASE_METHOD(Fixture, "what lies before or behind our granted pages is not theirs") {
    CHECK_FALSE(own.find(memory.data() - 1).has_value());
    CHECK_FALSE(own.find(memory.data() + memory.size()).has_value());
    CHECK(own.find(memory.data() + memory.size() - 1)->ref == GrantRef{30});
    CHECK_FALSE(GrantedMemory{}.find(nullptr).has_value());
}
