// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <type_traits>

using namespace hospes;

namespace {

template <typename T>
constexpr bool kComesBackInRegisters =
    sizeof(Result<T>) <= 16 && std::is_trivially_move_constructible_v<Result<T>> && std::is_trivially_destructible_v<Result<T>>;

static_assert(kComesBackInRegisters<i64> && kComesBackInRegisters<bool> && kComesBackInRegisters<Mfn> && kComesBackInRegisters<void>);
static_assert(!std::is_copy_constructible_v<Result<i64>> && !std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);

Result<Mfn> frame_or_error(bool works) {
    if (!works) return Errno::no_memory;
    return Mfn{7};
}

Result<u64> number_of_frame(bool works) { return HV_TRY(frame_or_error(works)).raw(); }

Status tried(bool works) {
    HV_TRY(frame_or_error(works));
    return {};
}

}  // namespace

TEST_CASE("a result of a plain value holds it, or an error", "[base][result]") {
    CHECK(frame_or_error(true).ok());
    CHECK(frame_or_error(true).value() == Mfn{7});
    CHECK(frame_or_error(true)->raw() == 7);
    CHECK(!frame_or_error(false).ok());
    CHECK(frame_or_error(false).error() == Errno::no_memory);
    CHECK(Result<u64>{u64{0}}.ok());
    CHECK(Result<bool>{false}.ok());
}

TEST_CASE("HV_TRY hands the error on", "[base][result]") {
    CHECK(number_of_frame(true).value() == 7);
    CHECK(number_of_frame(false).error() == Errno::no_memory);
    CHECK(tried(true).ok());
    CHECK(tried(false).error() == Errno::no_memory);
}

TEST_CASE("a result of what owns something gives it back when it goes", "[base][result]") {
    auto const shared = std::make_shared<int>(1);
    {
        Result<std::shared_ptr<int>> first{shared};
        Result<std::shared_ptr<int>> const second{std::move(first)};
        CHECK(second.value() == shared);
        CHECK(shared.use_count() == 2);
    }
    CHECK(shared.use_count() == 1);
    CHECK(Result<std::shared_ptr<int>>{Errno::busy}.error() == Errno::busy);
}
