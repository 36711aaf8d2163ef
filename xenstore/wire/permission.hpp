// SPDX-License-Identifier: Apache-2.0
// The permission list of a node, and its text form: a letter and a domain number ("n0", "r5").
#pragma once

#include "hypervisor/base/strong.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hospes::xenstore {

enum class Access : u8 { none = 0, read = 1, write = 2, both = 3 };

// Whether `granted` includes all of `wanted`.
constexpr bool allows(Access granted, Access wanted) {
    return (static_cast<u8>(granted) & static_cast<u8>(wanted)) == static_cast<u8>(wanted);
}

struct Permission {
    DomId domain;
    Access access = Access::none;

    friend bool operator==(Permission const&, Permission const&) = default;
};

// Entry 0 names the owner; its access is that of every domain that no other entry names. Never empty.
using Permissions = std::vector<Permission>;

// A node that belongs to `owner` and that nobody else may use.
Permissions private_to(DomId owner);
// The same, but `reader` may read it: the usual form of a device node, "n<owner>", "r<reader>".
Permissions readable_by(DomId owner, DomId reader);

std::string to_string(Permission permission);
std::optional<Permission> parse_permission(std::string_view text);

}  // namespace hospes::xenstore
