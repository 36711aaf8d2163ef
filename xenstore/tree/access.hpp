// SPDX-License-Identifier: Apache-2.0
// Who asks, and what a permission list grants to them.
#pragma once

#include "xenstore/wire/permission.hpp"

#include <optional>

namespace hospes::xenstore {

struct Caller {
    DomId domain;
    std::optional<DomId> target;  // the domain whose rights this one has as well (SET_TARGET)
    bool is_privileged = false;   // may do everything, and no quota holds

    bool is(DomId other) const { return domain == other || target == other; }
};

// Whether the caller may do all to a node with these permissions, also change them.
inline bool is_owner(Caller const& caller, Permissions const& permissions) {
    return caller.is_privileged || caller.is(permissions.front().domain);
}

// The owner has every access; else the first entry that names the caller counts; else the owner's entry is the default.
inline Access access_of(Caller const& caller, Permissions const& permissions) {
    if (is_owner(caller, permissions)) return Access::both;
    for (auto entry = permissions.begin() + 1; entry != permissions.end(); ++entry) {
        if (caller.is(entry->domain)) return entry->access;
    }
    return permissions.front().access;
}

inline bool may(Caller const& caller, Access wanted, Permissions const& permissions) {
    return allows(access_of(caller, permissions), wanted);
}

}  // namespace hospes::xenstore
