// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/change.hpp"

#include <unordered_map>

namespace hospes::xenstore {

namespace {

// Everybody who could hear of one of the two can hear of the sum.
void merge(Change& first, Change&& later) {
    if (!first.previous_permissions) first.previous_permissions = first.permissions;
    first.permissions = std::move(later.permissions);
    first.parent_permissions = std::move(later.parent_permissions);
    if (later.reach == Change::Reach::node_and_above) first.reach = later.reach;
}

}  // namespace

void coalesce(Changes& changes) {
    std::unordered_map<std::string, usize> place;
    usize kept = 0;
    for (usize i = 0; i < changes.size(); ++i) {
        auto const [known, is_new] = place.try_emplace(changes[i].path, kept);
        if (!is_new) {
            merge(changes[known->second], std::move(changes[i]));
        } else {
            if (kept != i) changes[kept] = std::move(changes[i]);
            ++kept;
        }
    }
    changes.resize(kept);
}

}  // namespace hospes::xenstore
