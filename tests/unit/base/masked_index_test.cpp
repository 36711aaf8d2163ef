// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/base/masked_index.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

TEST_CASE("an index below the size stays, any other becomes one below it", "[base][masked_index]") {
    for (u64 const size : {u64{1}, u64{2}, u64{64}, u64{1000}, u64{1} << 32, (u64{1} << 63) - 1}) {
        CHECK(masked_index(u64{0}, size) == 0);
        CHECK(masked_index(size - 1, size) == size - 1);
        CHECK(masked_index(size / 2, size) == size / 2);
        for (u64 const beyond : {size, size + 1, size * 2, u64{1} << 63, ~u64{0} - 1, ~u64{0}}) CHECK(masked_index(beyond, size) < size);
    }
    CHECK(masked_index(u64{5}, 0) == 0);
}

TEST_CASE("narrow indexes keep their type and value", "[base][masked_index]") {
    for (unsigned index = 0; index < 256; ++index) CHECK(masked_index(static_cast<u8>(index), 100) == (index < 100 ? index : 0));
    CHECK(masked_index(~u32{0}, u64{1} << 32) == ~u32{0});
    CHECK(masked_index(~u32{0}, ~u32{0}) == 0);
    CHECK(masked_index(u32{100}, 64) < 64);
    static_assert(masked_index(u32{7}, 8) == 7 && masked_index(u32{8}, 8) == 0);
}
