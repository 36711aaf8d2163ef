// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/console_ring.hpp"

#include "dom0-tools/wire/xen_io.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

using hospes::wire::ConsoleRing;

namespace {

struct alignas(4096) Page {
    std::byte bytes[4096]{};
    xencons_interface& guest() { return *reinterpret_cast<xencons_interface*>(bytes); }
    void guest_writes(std::string const& text) {
        for (char const c : text) guest().out[guest().out_prod++ % sizeof guest().out] = c;
    }
};

std::string take(ConsoleRing& ring, std::size_t limit = 4096) {
    std::vector<std::byte> bytes(limit);
    auto const count = ring.take_output(bytes);
    REQUIRE(count.has_value());
    return {reinterpret_cast<char const*>(bytes.data()), *count};
}

}  // namespace

TEST_CASE("output is taken in order, across the end of the ring, and the domain sees its room again", "[wire][console]") {
    Page page;
    page.guest().out_cons = page.guest().out_prod = 2040;
    ConsoleRing ring{page.bytes};
    page.guest_writes("hello, world: a line");
    CHECK(take(ring, 5) == "hello");
    CHECK(page.guest().out_cons == 2045);
    CHECK(take(ring) == ", world: a line");
    CHECK(page.guest().out_cons == page.guest().out_prod);
    CHECK(take(ring).empty());
}

TEST_CASE("input fills the ring and no more", "[wire][console]") {
    Page page;
    ConsoleRing ring{page.bytes};
    std::vector<std::byte> const typed(1500, std::byte{'x'});
    CHECK(ring.give_input(typed) == 1024u);
    CHECK(ring.give_input(typed) == 0u);
    page.guest().in_cons += 10;
    CHECK(ring.give_input(typed) == 10u);
    CHECK(page.guest().in_prod == 1034);
}

TEST_CASE("indices that a domain made up are refused", "[wire][console]") {
    Page page;
    ConsoleRing ring{page.bytes};
    std::vector<std::byte> buffer(4096);
    auto const wild = GENERATE(2049u, 0x80000000u, 0xffffffffu);
    page.guest().out_prod = wild;
    CHECK(!ring.take_output(buffer).has_value());
    page.guest().in_cons = 1;  // it has consumed what it was never given
    CHECK(!ring.give_input(buffer).has_value());
}

TEST_CASE("what a domain writes over our own indices is never used", "[wire][console]") {
    Page page;
    ConsoleRing ring{page.bytes};
    page.guest_writes("abc");
    page.guest().out_cons = 0xdeadbeef;
    page.guest().in_prod = 0xdeadbeef;
    CHECK(take(ring) == "abc");
    CHECK(page.guest().out_cons == 3);
    std::vector<std::byte> const typed(4, std::byte{'y'});
    CHECK(ring.give_input(typed) == 4u);
    CHECK(page.guest().in_prod == 4);
}

TEST_CASE("a second daemon goes on where the first one stopped", "[wire][console]") {
    Page page;
    {
        ConsoleRing first{page.bytes};
        CHECK(first.is_fresh());
        page.guest_writes("one");
        CHECK(take(first) == "one");
    }
    page.guest_writes("two");
    ConsoleRing second{page.bytes};
    CHECK(!second.is_fresh());
    CHECK(take(second) == "two");
}

TEST_CASE("no page content whatever makes the console ring leave its bounds", "[wire][console][property]") {
    auto const seed = GENERATE(take(50, random(0u, UINT32_MAX)));
    INFO("seed " << seed);
    std::mt19937 rng{seed};
    Page page;
    for (auto& byte : page.bytes) byte = static_cast<std::byte>(rng());
    ConsoleRing ring{page.bytes};
    std::vector<std::byte> buffer(4096);
    for (int step = 0; step < 200; ++step) {
        page.bytes[0xc00 + rng() % 16] = static_cast<std::byte>(rng());
        auto const taken = ring.take_output(std::span{buffer}.first(rng() % 4096));
        auto const given = ring.give_input(std::span{buffer}.first(rng() % 4096));
        CHECK(taken.value_or(0) <= ConsoleRing::kOutputSize);
        CHECK(given.value_or(0) <= ConsoleRing::kInputSize);
    }
}
