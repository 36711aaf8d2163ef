// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/log_share.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

TEST_CASE("a share of the log is used up, and is whole again in the next second", "[domain][log_share]") {
    LogShare share;
    Nanoseconds const now = Nanoseconds::from_ms(5'300);
    CHECK(share.take(kLogBytesPerSecond - 1, now));
    CHECK_FALSE(share.take(2, now));
    CHECK(share.take(1, now));
    CHECK_FALSE(share.take(1, Nanoseconds::from_ms(5'999)));
    CHECK(share.take(kLogBytesPerSecond, Nanoseconds::from_ms(6'000)));
    CHECK_FALSE(share.take(~u64{0}, Nanoseconds::from_ms(7'000)));
    CHECK(share.take(1, Nanoseconds{~u64{0}}));
}
