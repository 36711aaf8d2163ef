// SPDX-License-Identifier: Apache-2.0
// Errors are values: Result<T> is a T or an Error. (The core has a Result of its own: do not include both.)
#pragma once

#include "dom0-tools/base/error.hpp"

#include <expected>
#include <utility>

namespace hospes {

template <typename T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

// return fail(EBUSY, "disk {} is in use", path);
template <typename... Args>
std::unexpected<Error> fail(int code, fmt::format_string<Args...> format, Args&&... args) {
    return std::unexpected{make_error(code, format, std::forward<Args>(args)...)};
}

// return fail_errno("open {}", path); the text of errno is appended.
template <typename... Args>
std::unexpected<Error> fail_errno(fmt::format_string<Args...> format, Args&&... args) {
    int const code = errno;
    return std::unexpected{Error::from_errno(fmt::format(format, std::forward<Args>(args)...), code)};
}

// Adds the caller's view to an error: with_context(read_header(fd), "disk image {}", path).
template <typename T, typename... Args>
Result<T> with_context(Result<T> result, fmt::format_string<Args...> format, Args&&... args) {
    if (result) return result;
    return std::unexpected{result.error().within(fmt::format(format, std::forward<Args>(args)...))};
}

// HV_TRY(expr): the value of a successful Result; on an error, returns that error from this function.
#define HV_TRY(expression)                                                            \
    __extension__({                                                                   \
        auto hv_result_ = (expression);                                               \
        if (!hv_result_) return std::unexpected{std::move(hv_result_).error()};       \
        ::hospes::detail::take(std::move(hv_result_));                                \
    })

namespace detail {
template <typename T>
T take(Result<T>&& result) {
    return std::move(*result);
}
inline void take(Status&&) {}
}  // namespace detail

}  // namespace hospes
