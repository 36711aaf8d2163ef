// SPDX-License-Identifier: Apache-2.0
#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore {

std::optional<std::string_view> take_string(std::string_view& payload) {
    auto const end = payload.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    auto const text = payload.substr(0, end);
    payload.remove_prefix(end + 1);
    return text;
}

std::optional<std::vector<std::string_view>> split_strings(std::string_view payload) {
    std::vector<std::string_view> strings;
    while (!payload.empty()) {
        auto const text = take_string(payload);
        if (!text) return std::nullopt;
        strings.push_back(*text);
    }
    return strings;
}

std::optional<std::string_view> single_string(std::string_view payload) {
    auto const text = take_string(payload);
    if (!text || !payload.empty()) return std::nullopt;
    return text;
}

void append_string(std::string& payload, std::string_view text) {
    payload.append(text);
    payload.push_back('\0');
}

}  // namespace hospes::xenstore
