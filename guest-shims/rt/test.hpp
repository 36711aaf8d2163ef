// SPDX-License-Identifier: Apache-2.0
// Checks that run inside a guest. A test is HV_TEST(name) { ... }; a failed check is printed as the reason of
//   TEST name: FAILED (file:line expression: got N, want N)
// A test without one prints "TEST name: ok". "RUN name" is printed before, so that a log tells which test ended a
// domain. Options: tests=prefix,prefix only these; skip=prefix,prefix not these; after=name only
// those behind this one.
#pragma once
#include "abi.hpp"

namespace hospes::guest {

struct alignas(16) TestCase {
    const char *name;
    void (*run)();
};

namespace detail {
bool check_equal(const char *file, int line, const char *expression, i64 got, i64 want);
bool check_true(const char *file, int line, const char *expression, bool value);
void skip(const char *why);
}  // namespace detail

/// Runs every test of the image in link order and prints "GUEST guest: N ok, N failed, N skipped".
/// Returns the number of failed tests.
unsigned run_tests(const char *guest);

}  // namespace hospes::guest

#define HV_TEST(name)                                                                                                     \
    static void name();                                                                                                   \
    [[gnu::section(".guest_tests"), gnu::used]] static const ::hospes::guest::TestCase test_case_##name{#name, name};       \
    static void name()

#define HV_CHECK_EQ(got, want) \
    ::hospes::guest::detail::check_equal(__FILE_NAME__, __LINE__, #got, static_cast<::hospes::guest::i64>(got), static_cast<::hospes::guest::i64>(want))
#define HV_CHECK(value) ::hospes::guest::detail::check_true(__FILE_NAME__, __LINE__, #value, static_cast<bool>(value))
#define HV_REQUIRE_EQ(got, want) \
    do {                         \
        if (!HV_CHECK_EQ(got, want)) return; \
    } while (false)
#define HV_REQUIRE(value)            \
    do {                             \
        if (!HV_CHECK(value)) return; \
    } while (false)
/// Leaves the test without a verdict, when `condition` makes it impossible here.
#define HV_SKIP_IF(condition, why)                 \
    do {                                           \
        if (condition) {                           \
            ::hospes::guest::detail::skip(why);      \
            return;                                \
        }                                          \
    } while (false)
