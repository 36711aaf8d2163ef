// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/grant/copy.hpp"

#include "tests/support/hypervisor/grants.hpp"

#include <catch2/catch.hpp>

#include <cstring>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Copies : GrantWorld {
    Copies() {
        grant(granter, 8, mapper, page);
        grant(granter, 9, mapper, page, GTF_permit_access | GTF_readonly);
        std::memcpy(frame_pointer<char>(own) + 100, "hello", 5);
    }
    GrantCopyEnd own_frame(u16 offset) { return {false, own.raw(), kDomIdSelf, offset}; }
    GrantCopyEnd granted(u32 ref, u16 offset) { return {true, ref, granter.id(), offset}; }
    GrantStatus copy(GrantCopyEnd const& from, GrantCopyEnd const& to, u16 size) { return copy_grant(*mapper.vcpus[0], from, to, size); }
    void expect_nothing_held() {
        CHECK(granter.grants.pins() == 0);
        CHECK(references(page) == 1);
        CHECK(references(own) == 1);
        CHECK(entry(granter, 8).flags == GTF_permit_access);
        CHECK(entry(granter, 9).flags == (GTF_permit_access | GTF_readonly));
    }

    Mfn own = populate(mapper);
};

}  // namespace

TEST_CASE("bytes go from an own frame to a granted one and back", "[grant][copy]") {
    Copies w;
    CHECK(w.copy(w.own_frame(100), w.granted(8, 4091), 5) == GrantStatus::okay);
    CHECK(std::memcmp(frame_pointer<char>(w.page) + 4091, "hello", 5) == 0);
    CHECK(w.copy(w.granted(9, 4092), w.own_frame(0), 4) == GrantStatus::okay);
    CHECK(std::memcmp(frame_pointer<char>(w.own), "ello", 4) == 0);
    w.expect_nothing_held();
}

TEST_CASE("a copy inside one frame may overlap", "[grant][copy]") {
    Copies w;
    CHECK(w.copy(w.own_frame(100), w.own_frame(102), 5) == GrantStatus::okay);
    CHECK(std::memcmp(frame_pointer<char>(w.own) + 100, "hehello", 7) == 0);
    w.expect_nothing_held();
}

TEST_CASE("a copy never crosses a page", "[grant][copy]") {
    Copies w;
    CHECK(w.copy(w.own_frame(0), w.granted(8, 4092), 5) == GrantStatus::bad_copy_argument);
    CHECK(w.copy(w.own_frame(4092), w.granted(8, 0), 5) == GrantStatus::bad_copy_argument);
    CHECK(w.copy(w.own_frame(0xffff), w.granted(8, 0xffff), 0xffff) == GrantStatus::bad_copy_argument);
    CHECK(w.copy(w.own_frame(4096), w.granted(8, 0), 0) == GrantStatus::okay);
    CHECK(w.copy(w.own_frame(0), w.granted(8, 0), 4096) == GrantStatus::okay);
    w.expect_nothing_held();
}

TEST_CASE("a copy writes neither a read-only grant, nor a page table, nor another's frame", "[grant][copy]") {
    Copies w;
    CHECK(w.copy(w.own_frame(0), w.granted(9, 0), 8) == GrantStatus::general_error);
    CHECK(w.copy(w.own_frame(0), {false, w.table.raw(), kDomIdSelf, 0}, 8) == GrantStatus::general_error);
    CHECK(w.copy(w.own_frame(0), {false, w.page.raw(), kDomIdSelf, 0}, 8) == GrantStatus::bad_page);
    CHECK(w.copy(w.own_frame(0), {false, ~u64{0}, kDomIdSelf, 0}, 8) == GrantStatus::bad_page);
    CHECK(w.copy(w.own_frame(0), {false, w.own.raw(), w.granter.id(), 0}, 8) == GrantStatus::permission_denied);
    CHECK(w.copy(w.own_frame(0), {true, 8, DomId{77}, 0}, 8) == GrantStatus::bad_domain);
    CHECK(w.copy({true, 5000, w.granter.id(), 0}, w.own_frame(0), 8) == GrantStatus::bad_gref);
    CHECK(frame_pointer<char>(w.page)[0] == 0);
    w.expect_nothing_held();
}
