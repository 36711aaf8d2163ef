// SPDX-License-Identifier: Apache-2.0
// Payloads are sequences of NUL-terminated strings; numbers travel as decimal text.
#pragma once

#include "hypervisor/base/types.hpp"

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hospes::xenstore {

// The strings of `payload`, without their NULs, as views into it. Nothing if the last one is not terminated.
std::optional<std::vector<std::string_view>> split_strings(std::string_view payload);

// The only string of `payload`; nothing if there is none, more than one, or no terminating NUL.
std::optional<std::string_view> single_string(std::string_view payload);

// Cuts the first string off `payload`, which keeps what follows its NUL; nothing (and no change) if there is no NUL.
std::optional<std::string_view> take_string(std::string_view& payload);

// Appends `text` and its NUL.
void append_string(std::string& payload, std::string_view text);

// Reads decimal digits, all of `text` and nothing else; nothing if the number does not fit.
template <std::unsigned_integral T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace hospes::xenstore
