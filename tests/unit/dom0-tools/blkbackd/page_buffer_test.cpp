// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/page_buffer.hpp"

#include <catch2/catch.hpp>

using namespace hospes::blkbackd;

namespace {

constexpr std::size_t kSize = BufferPool::kUsualSize;

struct Fixture {
    std::vector<std::byte> memory{2 * kSize};
    BufferPool pool{memory};

    bool is_given(BufferPool::Buffer const& buffer) const {
        return buffer.get() >= memory.data() && buffer.get() < memory.data() + memory.size();
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "usual buffers are those that were given, and come back") {
    auto first = pool.take(4096);
    auto second = pool.take(kSize);
    CHECK(is_given(first));
    CHECK(is_given(second));
    CHECK(first.get() != second.get());
    auto* const again = first.get();
    first.reset();
    first = pool.take(512);
    CHECK(first.get() == again);
}

TEST_CASE_METHOD(Fixture, "with none left, and for more than usual, memory is allocated and freed") {
    auto const large = pool.take(kSize + 1);
    CHECK_FALSE(is_given(large));
    CHECK(reinterpret_cast<std::uintptr_t>(large.get()) % 4096 == 0);
    auto const first = pool.take(1), second = pool.take(1);
    auto third = pool.take(1);
    CHECK_FALSE(is_given(third));
    third.reset();
    CHECK_FALSE(is_given(pool.take(1)));
}
