// SPDX-License-Identifier: Apache-2.0
#include "xenstore/wire/permission.hpp"

#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore {

namespace {

constexpr std::string_view kLetters = "nrwb";  // indexed by Access

}  // namespace

Permissions private_to(DomId owner) { return {{owner, Access::none}}; }

Permissions readable_by(DomId owner, DomId reader) { return {{owner, Access::none}, {reader, Access::read}}; }

std::string to_string(Permission permission) {
    return kLetters[static_cast<u8>(permission.access)] + std::to_string(permission.domain.raw());
}

std::optional<Permission> parse_permission(std::string_view text) {
    if (text.empty()) return std::nullopt;
    auto const letter = kLetters.find(text.front());
    auto const domain = parse_number<u16>(text.substr(1));
    if (letter == std::string_view::npos || !domain) return std::nullopt;
    return Permission{DomId{*domain}, static_cast<Access>(letter)};
}

}  // namespace hospes::xenstore
