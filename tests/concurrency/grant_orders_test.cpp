// SPDX-License-Identifier: Apache-2.0
// Every order of what a granter does to its entries and what the core does to pin and to use them: an entry is given up or in use, never
// both, and what is done by it is done before it is given up.
#include "tests/concurrency/explorer.hpp"
#include "tests/concurrency/small_memory.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/grant/copy.hpp"
#include "hypervisor/ports/frame_window.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;
using explorer::explore;
using explorer::Verdict;

namespace {

constexpr GrantRef kRef{5};
constexpr GrantRef kOther{6};
constexpr u32 kToSecond = 2u << 16;
constexpr u16 kFrom = 0, kTo = 64;  // of a copy inside the granted frame

alignas(64) u8 storage[sizeof(SmallMemory)];
GrantStatus pinned;
bool is_revoked;

void expect(bool condition) {
    if (!condition) throw std::logic_error{"the beginning fails"};
}

u32& flags_of(GrantRef ref) { return frame_pointer<SharedGrant>(small_memory->first.grants.shared_frame(0).value())[ref.raw()].flags_and_domain; }

// Domain one grants frame 1 to domain two, by two entries; the other two frames carry its table.
void begin() {
    ::new (storage) SmallMemory;
    Domain& granter = small_memory->first;
    expect(release_frame(granter, Mfn{2}).ok() && release_frame(granter, Mfn{3}).ok() && granter.grants.grow(1).ok());
    auto* const entries = frame_pointer<SharedGrant>(granter.grants.shared_frame(0).value());
    for (GrantRef const ref : {kRef, kOther}) entries[ref.raw()] = {kToSecond | GTF_permit_access, 1};
    pinned = GrantStatus::again;
    is_revoked = false;
}

void pin(bool readonly) { pinned = small_memory->first.grants.pin(kRef, DomId{2}, readonly).status; }

// As guests end a grant: only if nobody reads or writes by it. False: somebody does.
bool end_grant(GrantRef ref) {
    SharedWord<u32> word{flags_of(ref)};
    u32 seen = word.load();
    while ((seen & (GTF_reading | GTF_writing)) == 0) {
        if (word.compare_exchange(seen, 0)) return true;
    }
    return false;
}
void give_up() { is_revoked = end_grant(kRef); }
// Takes the right to write away, if nobody writes.
void take_writing_away() {
    SharedWord<u32> word{flags_of(kRef)};
    u32 seen = word.load();
    while ((seen & GTF_writing) == 0 && !is_revoked) is_revoked = word.compare_exchange(seen, seen | GTF_readonly);
}

std::string judge() {
    if (pinned == GrantStatus::okay && is_revoked) return "the grant is given up, and in use";
    if (pinned != GrantStatus::okay && !is_revoked) return "the grant is neither given up nor in use";
    return "";
}

void end() {
    if (pinned == GrantStatus::okay) small_memory->first.grants.unpin(kRef, false);
    small_memory->~SmallMemory();
}

unsigned long orders_of(std::function<void()> const& pinning, std::function<void()> const& ending) {
    Verdict const verdict = explore({.start = begin, .actors = {pinning, ending}, .judge = judge, .end = [] {}, .finish = end}, {});
    INFO(verdict.first_failure);
    CHECK(verdict.failures == 0);
    return verdict.orders;
}

}  // namespace

TEST_CASE("grants: two vcpus get two handles, in every order") {
    static std::array<u32, 2> handles;
    auto const start = [] {
        ::new (storage) SmallMemory;
        expect(release_frame(small_memory->first, Mfn{2}).ok() && release_frame(small_memory->first, Mfn{3}).ok());
        Maptrack& maptrack = small_memory->first.grants.maptrack();
        maptrack.release(maptrack.reserve().value());  // its first page is there
    };
    auto const reserve = [](usize vcpu) { handles[vcpu] = small_memory->first.grants.maptrack().reserve().value().raw(); };
    auto const differ = [] { return handles[0] == handles[1] ? std::string{"both have the same handle"} : std::string{}; };
    Verdict const verdict = explore({.start = start,
                                     .actors = {[&] { reserve(0); }, [&] { reserve(1); }},
                                     .judge = differ,
                                     .end = [] {},
                                     .finish = [] { small_memory->~SmallMemory(); }},
                                    {});
    INFO(verdict.first_failure);
    CHECK(verdict.failures == 0);
    CHECK(verdict.orders > 1);
}

TEST_CASE("grants: an entry is pinned or given up, in every order") {
    CHECK(orders_of([] { pin(false); }, give_up) > 1);
    CHECK(orders_of([] { pin(false); }, take_writing_away) > 1);
}

TEST_CASE("grants: bytes are copied before their grants are given up, or not at all") {
    static constexpr char kShared = 's', kSecret = 'x', kOwn = 'o';
    static bool is_copied, is_other_revoked;
    auto const bytes = [] { return frame_pointer<char volatile>(Mfn{1}); };
    auto const start = [=] {
        begin();
        is_copied = is_other_revoked = false;
        bytes()[kFrom] = kShared;
        bytes()[kTo] = 0;
    };
    auto const copy = [] {
        Vcpu caller{small_memory->second, VcpuId{0}};
        is_copied = copy_grant(caller, {true, kRef.raw(), DomId{1}, kFrom}, {true, kOther.raw(), DomId{1}, kTo}, 1) == GrantStatus::okay;
    };
    // What it has back it uses for something else.
    auto const end_both = [=] {
        is_revoked = end_grant(kRef);
        if (is_revoked) bytes()[kFrom] = kSecret;
        is_other_revoked = end_grant(kOther);
        if (is_other_revoked) bytes()[kTo] = kOwn;
    };
    auto const judge = [=]() -> std::string {
        if (bytes()[kTo] == kSecret) return "read behind the end of a grant";
        if (is_other_revoked && bytes()[kTo] != kOwn) return "written behind the end of a grant";
        if (!is_other_revoked && bytes()[kTo] != (is_copied ? kShared : 0)) return "not what a copy writes";
        return is_copied || is_revoked || is_other_revoked ? "" : "neither copied nor given up";
    };
    auto const finish = [] { small_memory->~SmallMemory(); };
    Verdict const verdict = explore({.start = start, .actors = {copy, end_both}, .judge = judge, .end = [] {}, .finish = finish}, {.preemptions = 3});
    INFO(verdict.first_failure);
    CHECK(verdict.failures == 0);
    CHECK(verdict.orders > 1);
}
