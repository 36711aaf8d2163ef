// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/path.hpp"

#include "xenstore/wire/message.hpp"

#include <array>

namespace hospes::xenstore {

namespace {

constexpr auto kAllowed = [] {
    std::array<bool, 256> allowed{};
    for (char const c : std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@"}) {
        allowed[static_cast<u8>(c)] = true;
    }
    return allowed;
}();

// One pass: allowed characters, no empty component, no slash at the end. `text` starts with a slash and is not the root.
bool is_well_formed(std::string_view text) {
    char previous = 0;
    for (char const c : text) {
        if (!kAllowed[static_cast<u8>(c)] || (c == '/' && previous == '/')) return false;
        previous = c;
    }
    return previous != '/';
}

// The length of "/local/domain/<digits>/" at the start of `text`, or 0.
usize domain_prefix_length(std::string_view text) {
    constexpr std::string_view kPrefix = "/local/domain/";
    if (!text.starts_with(kPrefix)) return 0;
    auto const end = text.find_first_not_of("0123456789", kPrefix.size());
    if (end == kPrefix.size() || end == std::string_view::npos || text[end] != '/') return 0;
    return end + 1;
}

bool has_allowed_length(std::string_view text) {
    return text.size() <= kAbsolutePathMax && text.size() - domain_prefix_length(text) <= kPathMax;
}

}  // namespace

WireResult<Path> Path::parse(std::string_view text, std::string_view home) {
    if (text.empty() || text.front() == '@') return std::unexpected{WireError::invalid};
    if (text == "/") return Path{};
    std::string absolute;
    if (text.front() == '/') {
        absolute = text;
    } else {
        absolute.reserve(home.size() + 1 + text.size());
        absolute.append(home).append(1, '/').append(text);
    }
    if (!has_allowed_length(absolute) || !is_well_formed(absolute)) return std::unexpected{WireError::invalid};
    return Path{std::move(absolute)};
}

std::string_view Path::name() const { return std::string_view{text_}.substr(text_.rfind('/') + 1); }

Path Path::parent() const {
    auto const slash = text_.rfind('/');
    return slash == 0 ? Path{} : Path{text_.substr(0, slash)};
}

Path Path::child(std::string_view name) const {
    std::string text = is_root() ? std::string{} : text_;
    text.append(1, '/').append(name);
    return Path{std::move(text)};
}

std::optional<std::string_view> Components::next() {
    if (position_ + 1 >= path_.size()) return std::nullopt;
    auto const begin = position_ + 1;
    position_ = std::min(path_.find('/', begin), path_.size());
    return path_.substr(begin, position_ - begin);
}

}  // namespace hospes::xenstore
