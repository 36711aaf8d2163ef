// SPDX-License-Identifier: Apache-2.0
// What went wrong: an errno value for programs, and one sentence for people that says what was tried and where.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace hospes {

class Error {
public:
    // `code` is a positive errno value; `message` is the whole sentence.
    Error(int code, std::string message) : code_{code}, message_{std::move(message)} {}

    // The error of the system call that failed just now: "<what>: No such file or directory".
    // Takes errno before anything else can change it.
    static Error from_errno(std::string_view what, int code = errno);

    int code() const { return code_; }
    std::string const& message() const { return message_; }

    // The same error seen from one level up: "<where>: <message>".
    Error within(std::string_view where) const;

private:
    int code_;
    std::string message_;
};

// An error with a formatted message: make_error(EINVAL, "disk {}: {} sectors are too many", name, count).
template <typename... Args>
Error make_error(int code, fmt::format_string<Args...> format, Args&&... args) {
    return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace hospes
