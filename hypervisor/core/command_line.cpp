// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/command_line.hpp"

namespace hospes {
namespace {

constinit std::string_view line{};

// Calls `visit(word)` for each word.
template <typename Visit>
void for_each_word(Visit visit) {
    std::string_view rest = line;
    while (!rest.empty()) {
        auto const end = rest.find(' ');
        std::string_view const word = rest.substr(0, end);
        if (!word.empty()) visit(word);
        if (end == std::string_view::npos) return;
        rest.remove_prefix(end + 1);
    }
}

// The decimal digits `text` begins with; returns how many there are.
usize read_digits(std::string_view text, u64& value) {
    usize count = 0;
    for (; count < text.size() && text[count] >= '0' && text[count] <= '9'; ++count) value = value * 10 + static_cast<u64>(text[count] - '0');
    return count;
}

}  // namespace

void set_command_line(std::string_view text) { line = text; }
std::string_view command_line() { return line; }

bool has_option(std::string_view key) {
    bool found = false;
    for_each_word([&](std::string_view word) { found = found || word.substr(0, word.find('=')) == key; });
    return found;
}

std::string_view option_value(std::string_view key) {
    std::string_view value{};
    for_each_word([&](std::string_view word) {
        auto const equals = word.find('=');
        if (equals != std::string_view::npos && word.substr(0, equals) == key) {
            value = word;
            value.remove_prefix(equals + 1);
        }
    });
    return value;
}

u64 option_number(std::string_view key, u64 fallback) {
    std::string_view const text = option_value(key);
    u64 value = 0;
    return !text.empty() && read_digits(text, value) == text.size() ? value : fallback;
}

u64 option_size(std::string_view key, u64 fallback) {
    std::string_view const text = option_value(key);
    u64 value = 0;
    usize const i = read_digits(text, value);
    if (i == 0 || i + 1 < text.size()) return fallback;
    if (i == text.size()) return value;
    switch (text[i]) {
        case 'K': case 'k': return value << 10;
        case 'M': case 'm': return value << 20;
        case 'G': case 'g': return value << 30;
        default: return fallback;
    }
}

}  // namespace hospes
