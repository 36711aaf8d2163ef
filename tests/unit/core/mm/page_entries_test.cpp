// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/page_entries.hpp"

#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kPlain = Pte::kPresent | Pte::kUser;
constexpr Mfn kDevice{0xd0000};
constexpr Mfn kCoreDevice{0xfee00};  // denied to all

struct Entries : Stage {
    Status put(Home& home, Mfn table, unsigned index, Pte pte, DomId owner) {
        return update_entry(home.domain, {table, index}, pte, {.frame_owner = owner});
    }
    Status map(Home& home, Pte pte) { return put(home, home.space.l1, 9, pte, home.domain.id()); }
    static Pte mapped(Home const& home) { return Pte{frame_pointer<u64>(home.space.l1)[9]}; }
    Pte upper(Home const& home, unsigned level, u64 flags) {
        Mfn const tables[] = {home.space.l1, home.space.l2, home.space.l3};
        return Pte::make(tables[level - 2], kPlain | flags);
    }
    Status link(Home& home, unsigned level, Pte pte) {
        Mfn const tables[] = {home.space.l2, home.space.l3, home.space.l4};
        return put(home, tables[level - 2], 20, pte, home.domain.id());
    }
};

void deny_core_device() {
    static bool const once = (deny_mmio(kCoreDevice, 1), true);
    (void)once;
}

}  // namespace

TEST_CASE("device memory is for the hardware domain, but for what the core keeps", "[page_entries]") {
    Entries w;
    deny_core_device();
    set_physical_address_bits(40);
    CHECK(w.map(w.zero, Pte::make(kDevice, kPlain | Pte::kWritable)).ok());
    CHECK(w.map(w.one, Pte::make(kDevice, kPlain)).error() == Errno::perm);
    CHECK(w.map(w.zero, Pte::make(kCoreDevice, kPlain)).error() == Errno::perm);
    CHECK(w.map(w.zero, Pte::make(kCoreDevice + 1, kPlain)).ok());
    CHECK(w.map(w.zero, Pte::make(Mfn{u64{1} << 28}, kPlain)).error() == Errno::perm);  // the processor has no such address
    CHECK(w.put(w.zero, w.zero.space.l1, 8, Pte::make(kDevice, kPlain), kDomIdIo).ok());
    CHECK(w.put(w.zero, w.zero.space.l1, 8, Pte::make(kDevice, kPlain), DomId{1}).error() == Errno::invalid);
}

TEST_CASE("device memory is never cached, whatever the entry asks", "[page_entries]") {
    Entries w;
    constexpr u64 kUncached = Pte::kCacheDisable | Pte::kWriteThrough;
    struct {
        u64 asked, given;
    } const cases[] = {{0, kUncached},
                       {Pte::kWriteThrough, kUncached},
                       {Pte::kCacheDisable, Pte::kCacheDisable},
                       {kUncached, kUncached},
                       {Pte::kPageSizeOrPat, Pte::kPageSizeOrPat},  // write-combining
                       {Pte::kPageSizeOrPat | Pte::kWriteThrough, kUncached},
                       {Pte::kPageSizeOrPat | Pte::kCacheDisable, kUncached}};
    for (auto const& each : cases) {
        CHECK(w.map(w.zero, Pte::make(kDevice, kPlain | each.asked)).ok());
        CHECK((Entries::mapped(w.zero).raw() & Pte::kCacheBits) == each.given);
    }
}

TEST_CASE("an entry of device memory changes its bits, and nothing is counted", "[page_entries]") {
    Entries w;
    constexpr u64 kUncached = Pte::kCacheDisable | Pte::kWriteThrough;
    constexpr Mfn kBesideRam{0};  // it has an entry in the frame table, whose owner reads as domain 0
    for (Mfn const device : {kDevice, kBesideRam}) {
        Pte const first = Pte::make(device, kPlain | Pte::kWritable | kUncached);
        REQUIRE(w.map(w.zero, Pte::make(device, kPlain | Pte::kWritable)).ok());
        CHECK(Entries::mapped(w.zero) == first);
        for (Pte const next : {first.with(Pte::kAvailable | Pte::kNoExecute), first.without(Pte::kWritable), first,
                               first.without(Pte::kWritable).with(Pte::kAccessed), first.with(Pte::kDirty)}) {
            CHECK(w.map(w.zero, next.without(Pte::kUser)).ok());
            CHECK(Entries::mapped(w.zero) == next);
        }
        CHECK(w.map(w.zero, first.without(Pte::kCacheBits)).ok());  // not a plain bit
        CHECK(Entries::mapped(w.zero) == first);
    }
    REQUIRE(w.map(w.zero, Pte{}).ok());
    CHECK(w.ram.frames()[kBesideRam].refs.load() == 0);
    CHECK(w.ram.frames()[kBesideRam].type.load() == 0);
}

TEST_CASE("only the hardware domain chooses how RAM is cached", "[page_entries]") {
    Entries w;
    for (u64 const bits : {Pte::kWriteThrough, Pte::kCacheDisable, Pte::kPageSizeOrPat}) {
        CHECK(w.map(w.one, Pte::make(w.one.pages[0], kPlain | bits)).error() == Errno::invalid);
        CHECK(w.map(w.zero, Pte::make(w.zero.pages[0], kPlain | bits)).ok());
        CHECK((Entries::mapped(w.zero).raw() & Pte::kCacheBits) == bits);
    }
    CHECK(!Entries::mapped(w.one).is_present());
}

TEST_CASE("an upper entry names a table of the level below, and has no bit of its own", "[page_entries]") {
    Entries w;
    for (unsigned level = 2; level <= 4; ++level) {
        CHECK(w.link(w.one, level, w.upper(w.one, level, Pte::kWritable)).ok());
        CHECK(w.link(w.one, level, Pte{}).ok());
        for (u64 const bits : {Pte::kPageSizeOrPat, Pte::kCacheDisable, Pte::kWriteThrough, Pte::kGlobal}) {
            CHECK(w.link(w.one, level, w.upper(w.one, level, bits)).error() == Errno::invalid);
            CHECK(w.link(w.zero, level, w.upper(w.zero, level, bits)).error() == Errno::invalid);
        }
    }
    CHECK_FALSE(w.link(w.one, 2, Pte::make(w.one.space.l2, kPlain)).ok());     // itself
    CHECK_FALSE(w.link(w.one, 3, Pte::make(w.one.space.l3, kPlain)).ok());
    CHECK_FALSE(w.link(w.one, 4, Pte::make(w.one.space.l4, kPlain)).ok());
    CHECK_FALSE(w.link(w.one, 3, Pte::make(w.one.space.l1, kPlain)).ok());     // a level too far below
    CHECK_FALSE(w.link(w.one, 2, Pte::make(w.two.space.l1, kPlain)).ok());     // another domain's
    CHECK(w.put(w.zero, w.zero.space.l2, 20, Pte::make(w.one.space.l1, kPlain), DomId{1}).error() == Errno::invalid);  // not even dom0
    CHECK_FALSE(w.link(w.one, 2, Pte::make(kDevice, kPlain)).ok());
}

TEST_CASE("an entry of a frame in another use changes no count", "[page_entries]") {
    Entries w;
    Snapshot const before{w};
    CHECK(w.map(w.one, Pte::make(w.one.space.l1, kPlain | Pte::kWritable)).error() == Errno::invalid);
    CHECK(w.map(w.one, Pte::make(w.two.pages[0], kPlain)).error() == Errno::invalid);
    CHECK(difference(before.exact, Snapshot{w}.exact).empty());
    CHECK(w.map(w.one, Pte::make(w.one.space.l1, kPlain)).ok());  // reading a table is fine
}
