// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/page_buffer.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <random>

using namespace hospes::blkbackd;

namespace {

constexpr std::size_t kRow = BufferPool::kRowSize;

struct Fixture {
    std::vector<std::byte> memory{2 * kRow};
    BufferPool pool{memory};

    bool is_of_pool(BufferPool::Buffer const& buffer) const {
        return buffer.get() >= memory.data() && buffer.get() < memory.data() + memory.size();
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a pool gives out all of its pages, and has them back") {
    for (int round = 0; round < 2; ++round) {
        std::vector<BufferPool::Buffer> small;
        for (std::size_t i = 0; i < BufferPool::kRowPages; ++i) {
            small.push_back(pool.take(i % 2 == 0 ? 512 : 4096));
            CHECK(is_of_pool(small.back()));
        }
        auto const usual = pool.take(kRow);
        CHECK(is_of_pool(usual));
        CHECK_FALSE(is_of_pool(pool.take(1)));
    }
}

TEST_CASE_METHOD(Fixture, "what finds no room, or is larger than a row, is allocated") {
    auto const large = pool.take(kRow + 1);
    CHECK_FALSE(is_of_pool(large));
    CHECK(reinterpret_cast<std::uintptr_t>(large.get()) % 4096 == 0);
    std::memset(large.get(), 1, kRow + 1);
    auto const first = pool.take(kRow - 4096), second = pool.take(kRow - 4096);
    CHECK_FALSE(is_of_pool(pool.take(8192)));  // no two pages are left in one row
    CHECK(is_of_pool(pool.take(4096)));
}

TEST_CASE_METHOD(Fixture, "a pool knows how much of it is in use, what was allocated included") {
    {
        auto const small = pool.take(1);
        auto const large = pool.take(2 * kRow + 1);
        CHECK(pool.bytes_in_use() == 4096 + 2 * kRow + 4096);
    }
    CHECK(pool.bytes_in_use() == 0);
}

TEST_CASE_METHOD(Fixture, "buffers of a pool do not overlap") {
    std::minstd_rand random{Catch::rngSeed()};
    struct Taken {
        BufferPool::Buffer buffer;
        std::size_t size;
        std::byte mark;
    };
    std::vector<Taken> taken;
    for (unsigned step = 0; step < 3000; ++step) {
        if (!taken.empty() && random() % 2 == 0) {
            std::swap(taken[random() % taken.size()], taken.back());
            auto const& last = taken.back();
            REQUIRE(std::all_of(last.buffer.get(), last.buffer.get() + last.size, [&](std::byte byte) { return byte == last.mark; }));
            taken.pop_back();
        } else {
            auto const size = 1 + random() % (random() % 4 == 0 ? kRow : std::size_t{8192});
            taken.push_back({pool.take(size), size, static_cast<std::byte>(step)});
            std::memset(taken.back().buffer.get(), static_cast<int>(step & 0xff), size);
        }
    }
    taken.clear();
    auto const first = pool.take(kRow), second = pool.take(kRow);
    CHECK((is_of_pool(first) && is_of_pool(second)));
}
