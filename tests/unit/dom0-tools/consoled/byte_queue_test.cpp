// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/byte_queue.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <random>
#include <string>

using hospes::consoled::ByteQueue;

namespace {

void push(ByteQueue& queue, std::string_view text) { queue.push(std::as_bytes(std::span{text})); }
std::string text_of(ByteQueue const& queue) { return {reinterpret_cast<char const*>(queue.content().data()), queue.size()}; }

}  // namespace

TEST_CASE("bytes leave in the order in which they came", "[consoled][byte_queue]") {
    ByteQueue queue{100};
    push(queue, "hello ");
    push(queue, "world");
    queue.pop(3);
    CHECK(text_of(queue) == "lo world");
    CHECK(queue.room() == 92);
    queue.pop(8);
    CHECK(queue.is_empty());
}

TEST_CASE("too much pushes the oldest out, and that is counted", "[consoled][byte_queue]") {
    ByteQueue queue{8};
    push(queue, "12345678");
    push(queue, "ab");
    CHECK(text_of(queue) == "345678ab");
    push(queue, "this is longer than all of it");
    CHECK(text_of(queue) == "ll of it");
    CHECK(queue.take_dropped() == 2 + 8 + 21);
    CHECK(queue.take_dropped() == 0);
}

TEST_CASE("the queue agrees with a plain one, and keeps its limit", "[consoled][byte_queue][property]") {
    auto const seed = GENERATE(take(20, random(0u, UINT32_MAX)));
    INFO("seed " << seed);
    std::mt19937 rng{seed};
    ByteQueue queue{50};
    std::deque<std::byte> model;
    for (int step = 0; step < 1000; ++step) {
        if (rng() % 2 != 0) {
            std::vector<std::byte> bytes(rng() % 70);
            for (auto& byte : bytes) byte = static_cast<std::byte>(rng());
            queue.push(bytes);
            model.insert(model.end(), bytes.begin(), bytes.end());
            while (model.size() > 50) model.pop_front();
        } else {
            auto const count = rng() % (model.size() + 1);
            queue.pop(count);
            model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
        }
        REQUIRE(std::equal(model.begin(), model.end(), queue.content().begin(), queue.content().end()));
    }
}
