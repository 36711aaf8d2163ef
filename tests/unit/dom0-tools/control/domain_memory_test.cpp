// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_memory.hpp"

#include "dom0-tools/control/byte_reader.hpp"
#include "tests/support/dom0/fake_privcmd.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace hospes;
using namespace hospes::control;

namespace {

constexpr std::uint64_t kPages = 64;

struct Target {
    FakePrivcmd privcmd{1024};
    DomId id = *privcmd.create_domain({});
    std::optional<DomainMemory> memory;

    Target() {
        REQUIRE(privcmd.set_max_memory(id, kPages * 4));
        auto populated = DomainMemory::populate(privcmd, id, kPages);
        REQUIRE(populated);
        memory = *std::move(populated);
    }
    std::vector<std::byte> content() const {
        std::vector<std::byte> all;
        for (auto const mfn : memory->frames()) std::ranges::copy(privcmd.frame(mfn), std::back_inserter(all));
        return all;
    }
};

// Bytes of which those at [from, to) are not zero.
void mark(std::vector<std::byte>& bytes, std::size_t from, std::size_t to) {
    for (auto at = from; at < to; ++at) bytes[at] = static_cast<std::byte>(at % 255 + 1);
}

}  // namespace

TEST_CASE("what is written lies where it belongs, whatever zeroes are in it", "[builder]") {
    std::vector<std::byte> content(20 * kPageSize + 17);
    mark(content, 0, 5000);
    mark(content, 9 * kPageSize + 1, 9 * kPageSize + 2);
    mark(content, 12 * kPageSize, content.size());
    auto const offset = GENERATE(std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{kPageSize}, std::uint64_t{5 * kPageSize - 1});
    Target target;
    REQUIRE(target.memory->write(offset, content));

    std::vector<std::byte> expected(kPages * kPageSize);
    std::ranges::copy(content, expected.begin() + static_cast<std::ptrdiff_t>(offset));
    CHECK(target.content() == expected);
    CHECK(target.privcmd.live_mappings() == 0);
}

TEST_CASE("pages of zeroes are not even mapped", "[builder]") {
    Target target;
    auto const before = target.privcmd.calls();
    REQUIRE(target.memory->write(7, std::vector<std::byte>(40 * kPageSize)));
    CHECK(target.privcmd.calls() == before);
    REQUIRE(target.memory->write(7, {}));
    CHECK(target.privcmd.calls() == before);
}

TEST_CASE("zeroes are told from everything else", "[builder]") {
    std::vector<std::byte> bytes(100);
    CHECK(is_zero({}));
    CHECK(is_zero(bytes));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        bytes[at] = std::byte{1};
        CHECK_FALSE(is_zero(bytes));
        bytes[at] = std::byte{0};
    }
}
