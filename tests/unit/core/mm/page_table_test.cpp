// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/page_table.hpp"

#include "hypervisor/core/mm/foreign_map.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/layout.hpp"
#include "tests/support/hypervisor/recount.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kPlain = Pte::kPresent | Pte::kUser;

struct Tables : Stage {
    Status update(Mfn table, unsigned index, Pte pte, EntryUpdate const& how = {.frame_owner = DomId{1}}) {
        return update_entry(one.domain, {table, index}, pte, how);
    }
    u64& word(Mfn table, unsigned index) { return frame_pointer<u64>(table)[index]; }
    u64 references(Mfn mfn) { return RefWord::Count::get(ram.frames()[mfn].refs.load()); }
    u64 typed(Mfn mfn) { return TypeWord::Count::get(ram.frames()[mfn].type.load()); }
};

}  // namespace

TEST_CASE("the level-4 entries of the core are not the guest's", "[page_table]") {
    Tables w;
    for (unsigned const index : {256u, 263u, 271u}) CHECK(w.update(w.one.space.l4, index, Pte{}).error() == Errno::invalid);
    for (unsigned const index : {0u, 255u, 272u, 511u}) CHECK(w.update(w.one.space.l4, index, Pte::make(w.one.space.l3, kPlain)).ok());
    for (unsigned const index : {256u, 271u}) CHECK(w.update(w.one.space.l3, index, Pte{}).ok());
}

TEST_CASE("a writable bit that comes or goes takes or drops the writable type", "[page_table]") {
    Tables w;
    Mfn const page = w.one.pages[0];
    REQUIRE(w.update(w.one.space.l1, 0, Pte::make(page, kPlain)).ok());
    CHECK(w.page_types.type(page) == PageType::none);
    REQUIRE(w.update(w.one.space.l1, 0, Pte::make(page, kPlain | Pte::kWritable)).ok());
    CHECK(w.page_types.type(page) == PageType::writable);
    CHECK(w.references(page) == 2);
    REQUIRE(w.update(w.one.space.l1, 0, Pte::make(page, kPlain | Pte::kWritable | Pte::kNoExecute)).ok());
    CHECK(w.typed(page) == 1);
    REQUIRE(w.update(w.one.space.l1, 0, Pte::make(page, kPlain)).ok());
    CHECK(w.page_types.type(page) == PageType::none);
    // A page table may be read, and stays so.
    REQUIRE(w.update(w.one.space.l1, 1, Pte::make(w.one.space.l2, kPlain)).ok());
    CHECK(w.update(w.one.space.l1, 1, Pte::make(w.one.space.l2, kPlain | Pte::kWritable)).error() == Errno::invalid);
    CHECK(!Pte{w.word(w.one.space.l1, 1)}.is_writable());
}

TEST_CASE("an upper entry that changes its flags only is counted once", "[page_table]") {
    Tables w;
    auto const& s = w.one.space;
    u64 const before = w.typed(s.l1);
    REQUIRE(w.update(s.l2, 30, Pte::make(s.l1, kPlain)).ok());
    REQUIRE(w.update(s.l2, 30, Pte::make(s.l1, kPlain | Pte::kWritable)).ok());
    REQUIRE(w.update(s.l2, 30, Pte::make(s.l1, kPlain | Pte::kNoExecute)).ok());
    CHECK(w.typed(s.l1) == before + 1);
    REQUIRE(w.update(s.l2, 30, Pte{}).ok());
    CHECK(w.typed(s.l1) == before);
    CHECK(w.page_types.type(s.l1) == PageType::l1_table);
}

TEST_CASE("an update leaves the table with the references it had", "[page_table]") {
    Tables w;
    auto const& s = w.one.space;
    u64 const general = w.references(s.l1);
    u64 const types = w.typed(s.l1);
    REQUIRE(w.update(s.l1, 5, Pte::make(w.one.pages[0], kPlain)).ok());
    CHECK(w.update(s.l1, 5, Pte::make(w.two.pages[0], kPlain)).error() == Errno::invalid);
    CHECK(w.update(s.l1, 5, Pte{}, {.frame_owner = DomId{1}, .check_old = true, .expected_old = 1}).error() == Errno::again);
    CHECK(w.references(s.l1) == general);
    CHECK(w.typed(s.l1) == types);
    CHECK(w.update(w.one.pages[0], 0, Pte{}).error() == Errno::invalid);  // no table
    CHECK(w.update(w.two.space.l1, 0, Pte{}).error() == Errno::invalid);  // another's
}

TEST_CASE("a table with as many references as can be counted is not updated", "[page_table]") {
    Tables w;
    FrameEntry& table = w.ram.frames()[w.one.space.l1];
    u64 const general = table.refs.load(), type = table.type.load();
    table.type.store(TypeWord::Count::set(type, TypeWord::Count::kMax));
    CHECK(w.update(w.one.space.l1, 5, Pte::make(w.one.pages[0], kPlain)).error() == Errno::busy);
    CHECK(table.type.load() == TypeWord::Count::set(type, TypeWord::Count::kMax));
    CHECK(table.refs.load() == general);
    CHECK(w.word(w.one.space.l1, 5) == 0);
    table.type.store(type);
}

TEST_CASE("accessed and dirty bits that the processor has set are kept when asked", "[page_table]") {
    Tables w;
    REQUIRE(w.update(w.one.space.l1, 0, Pte::make(w.one.pages[0], kPlain | Pte::kWritable)).ok());
    w.word(w.one.space.l1, 0) |= Pte::kAccessed | Pte::kDirty;
    REQUIRE(w.update(w.one.space.l1, 0, Pte::make(w.one.pages[1], kPlain), {.frame_owner = DomId{1}, .preserve_ad = true}).ok());
    CHECK(w.word(w.one.space.l1, 0) == Pte::make(w.one.pages[1], kPlain | Pte::kAccessed | Pte::kDirty).raw());
    REQUIRE(w.update(w.one.space.l1, 0, Pte{}, {.frame_owner = DomId{1}, .preserve_ad = true}).ok());
    CHECK(w.word(w.one.space.l1, 0) == 0);
}

TEST_CASE("a walk finds what is mapped, and nothing of the core", "[page_table]") {
    Tables w;
    map_page(w.one.vcpu, w.one.space, 4, w.one.pages[2]);
    Mfn const root = w.one.space.l4;
    CHECK(find_mapping(AddressSpace::page(4), root).value().mfn() == w.one.pages[2]);
    CHECK(find_mapping(AddressSpace::page(5), root).error() == Errno::fault);
    CHECK(find_mapping(GuestAddress{0}, root).error() == Errno::fault);
    CHECK(find_mapping(GuestAddress{kHypervisorStart}, root).error() == Errno::fault);
    CHECK(find_mapping(GuestAddress{0x8000'0000'0000}, root).error() == Errno::fault);
    CHECK(find_level1_entry(AddressSpace::page(4), Mfn{}).error() == Errno::invalid);
    CHECK(find_level1_entry(AddressSpace::page(4), root).value().table == w.one.space.l1);
}

TEST_CASE("a granted frame is mapped at an aligned level-1 entry of the caller's, and only it is unmapped there", "[page_table][grant]") {
    Tables w;
    auto const at = [&](u64 address) { return GrantPlace{true, address}; };
    u64 const entry = w.two.space.entry(3).raw();
    Mfn const frame = w.one.pages[0];
    CHECK(map_foreign_at(w.two.vcpu, at(entry + 4), frame, DomId{1}, 0).error() == Errno::invalid);
    CHECK(map_foreign_at(w.two.vcpu, at(w.two.space.l2.raw() << kPageShift), frame, DomId{1}, 0).error() == Errno::invalid);
    CHECK(map_foreign_at(w.two.vcpu, at(w.one.space.entry(3).raw()), frame, DomId{1}, 0).error() == Errno::invalid);
    CHECK(map_foreign_at(w.two.vcpu, at(u64{1} << 40), frame, DomId{1}, 0).error() == Errno::invalid);
    REQUIRE(map_foreign_at(w.two.vcpu, at(entry), frame, DomId{1}, Pte::kWritable).ok());
    CHECK(w.references(frame) == 2);
    CHECK(unmap_foreign_at(w.two.vcpu, at(entry), w.one.pages[1], false).error() == Errno::invalid);
    CHECK(unmap_foreign_at(w.two.vcpu, at(entry + 8), frame, false).error() == Errno::invalid);
    CHECK(unmap_foreign_at(w.two.vcpu, at(entry), frame, true).error() == Errno::invalid);
    CHECK(unmap_foreign_at(w.two.vcpu, at(entry), frame, false).ok());
    CHECK(w.references(frame) == 1);
    CHECK(map_foreign_at(w.two.vcpu, {false, AddressSpace::page(7).raw()}, frame, DomId{1}, 0).ok());
    CHECK(unmap_foreign_at(w.two.vcpu, {false, AddressSpace::page(7).raw()}, frame, false).error() == Errno::invalid);
    CHECK(unmap_foreign_at(w.two.vcpu, {false, AddressSpace::page(7).raw()}, frame, true).ok());
}

TEST_CASE("who may only read a granted frame does not make its mapping writable", "[page_table][grant]") {
    Tables w;
    Mfn const frame = w.two.pages[0], table = w.one.space.l1;
    REQUIRE(map_foreign_at(w.one.vcpu, {true, w.one.space.entry(3).raw()}, frame, DomId{2}, 0).ok());
    u64 const mapped = w.word(table, 3);
    REQUIRE(!Pte{mapped}.is_writable());
    CHECK(w.update(table, 3, Pte{mapped | Pte::kWritable}).error() == Errno::invalid);
    CHECK(w.word(table, 3) == mapped);
    CHECK(w.page_types.type(frame) == PageType::none);
    CHECK(w.references(frame) == 2);
    CHECK(w.update(table, 3, Pte{mapped | Pte::kNoExecute}).ok());  // fewer rights need nobody's consent
    CHECK(w.references(frame) == 2);
    CHECK(w.update(table, 3, Pte{}).ok());
    CHECK(w.references(frame) == 1);
}

TEST_CASE("a write through a mapping of a table changes level-1 tables only", "[page_table]") {
    Tables w;
    auto const& s = w.one.space;
    map_page(w.one.vcpu, s, 5, s.l2, false);
    map_page(w.one.vcpu, s, 6, s.l1, false);
    map_page(w.one.vcpu, s, 7, w.one.pages[0], false);
    u64 const entry = Pte::make(w.one.pages[1], kPlain).raw();
    CHECK(emulate_pt_write(w.one.vcpu, AddressSpace::page(5), 0, entry).error() == Errno::invalid);
    CHECK(emulate_pt_write(w.one.vcpu, AddressSpace::page(7), 0, entry).error() == Errno::invalid);  // no table
    CHECK(emulate_pt_write(w.one.vcpu, AddressSpace::page(8), 0, entry).error() == Errno::fault);    // nothing
    CHECK(w.word(s.l2, 0) == 0);
    CHECK(w.word(w.one.pages[0], 0) == 0);
    CHECK(emulate_pt_write(w.one.vcpu, AddressSpace::page(6) + 20 * 8, 1, entry).error() == Errno::again);
    REQUIRE(emulate_pt_write(w.one.vcpu, AddressSpace::page(6) + 20 * 8, 0, entry).ok());
    CHECK(w.word(s.l1, 20) == entry);
    CHECK(unmap_foreign_at(w.one.vcpu, {true, s.entry(20).raw() + 1}, w.one.pages[1], true).error() == Errno::invalid);
    CHECK(unmap_foreign_at(w.one.vcpu, {true, s.l2.raw() << kPageShift}, w.one.pages[1], true).error() == Errno::invalid);
}
