// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/persistent_grants.hpp"

#include "tests/support/fake_grants.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace hospes;
using namespace hospes::blkbackd;

namespace {

constexpr DomId kGuest{3};

struct Fixture {
    test::FakeGrants device;
    GrantBudget budget;
    std::optional<PersistentGrants> grants{std::in_place, device, budget, kGuest};
    std::vector<std::byte*> pages;

    ~Fixture() {
        grants.reset();
        CHECK(device.mapped_pages() == 0);
    }
    // Asks for `count` pages from `first` on, which are granted if they are not yet.
    std::optional<PersistentGrants::Hold> hold(std::uint32_t first, std::uint32_t count) {
        std::vector<GrantRef> refs;
        for (std::uint32_t ref = first; ref < first + count; ++ref) {
            if (granted.insert(ref).second) device.grant(kGuest, GrantRef{ref});
            refs.push_back(GrantRef{ref});
        }
        return grants->hold(refs, pages);
    }
    bool is_mapped(std::uint32_t ref) {
        int const before = device.map_calls;
        return hold(ref, 1) && device.map_calls == before;
    }
    std::set<std::uint32_t> granted;
};

constexpr std::uint32_t kBatch = 32, kFull = PersistentGrants::kMaxPages / kBatch;

}  // namespace

TEST_CASE("what is asked for often is kept, and what does not fit beside it is refused", "[blkbackd][grants]") {
    Fixture f;
    for (std::uint32_t i = 0; i < kFull; ++i) CHECK(f.hold(i * kBatch, kBatch).has_value());
    CHECK(f.grants->page_count() == PersistentGrants::kMaxPages);
    CHECK(!f.hold(5000, 1).has_value());
    CHECK(f.is_mapped(0));
    CHECK(f.device.mapped_pages() == PersistentGrants::kMaxPages);
}

TEST_CASE("no more areas of memory are taken than the bound, however few pages each has", "[blkbackd][grants]") {
    Fixture f;
    for (std::uint32_t ref = 0; ref < PersistentGrants::kMaxBatches; ++ref) CHECK(f.hold(ref, 1).has_value());
    CHECK(!f.hold(5000, 1).has_value());
    CHECK(f.grants->batch_count() == PersistentGrants::kMaxBatches);
}

TEST_CASE("the longest unused gives way, once nobody has asked for it for long", "[blkbackd][grants]") {
    Fixture f;
    for (std::uint32_t i = 0; i < kFull; ++i) CHECK(f.hold(i * kBatch, kBatch).has_value());
    for (std::uint64_t i = 0; i < PersistentGrants::kPatience; ++i) CHECK(f.hold(0, 1).has_value());
    CHECK(f.hold(5000, 1).has_value());
    CHECK(f.is_mapped(0));
    CHECK(f.is_mapped(5000));
    CHECK(f.is_mapped(2 * kBatch));
    CHECK(f.device.mapped_pages() == PersistentGrants::kMaxPages - kBatch + 1);
    CHECK(!f.is_mapped(kBatch));  // it was the oldest
}

TEST_CASE("what somebody holds never gives way, nor what the request itself needs", "[blkbackd][grants]") {
    Fixture f;
    std::vector<PersistentGrants::Hold> holds;
    for (std::uint32_t i = 0; i < kFull; ++i) {
        auto hold = f.hold(i * kBatch, kBatch);
        REQUIRE(hold.has_value());
        if (i != 3) holds.push_back(*std::move(hold));
    }
    for (std::uint64_t i = 0; i <= PersistentGrants::kPatience; ++i) CHECK(f.hold(0, 1).has_value());
    std::vector const mixed{GrantRef{3 * kBatch}, GrantRef{5000}};
    f.device.grant(kGuest, GrantRef{5000});
    CHECK(!f.grants->hold(mixed, f.pages).has_value());
    for (std::uint64_t i = 0; i <= PersistentGrants::kPatience; ++i) CHECK(f.hold(0, 1).has_value());
    CHECK(f.grants->hold(std::span{mixed}.subspan(1), f.pages).has_value());
    CHECK(f.device.mapped_pages() == PersistentGrants::kMaxPages - kBatch + 1);
}

TEST_CASE("all rings together keep no more than the budget, and what one lets go another may have", "[blkbackd][grants]") {
    Fixture f;
    f.budget = GrantBudget{10};
    PersistentGrants other{f.device, f.budget, kGuest};
    CHECK(f.hold(20, 6).has_value());
    std::vector<GrantRef> refs;
    for (std::uint32_t ref = 20; ref < 26; ++ref) refs.push_back(GrantRef{ref});
    CHECK(!other.hold(refs, f.pages).has_value());
    f.device.map_error = ENOMEM;
    CHECK(!other.hold(std::span{refs}.first(4), f.pages).has_value());
    CHECK(other.hold(std::span{refs}.first(4), f.pages).has_value());
    f.grants.reset();
    CHECK(other.hold(refs, f.pages).has_value());
    CHECK(f.device.mapped_pages() == 6);
}

TEST_CASE("a hold outlives the grants that it came from", "[blkbackd][grants]") {
    Fixture f;
    auto hold = f.hold(20, 2);
    REQUIRE(hold.has_value());
    auto* const page = f.pages[1];
    f.grants.reset();
    CHECK(f.device.mapped_pages() == 2);
    *page = std::byte{7};
    CHECK(*f.device.page(kGuest, GrantRef{21}) == std::byte{7});
    hold.reset();
    CHECK(f.device.mapped_pages() == 0);
}
