// SPDX-License-Identifier: Apache-2.0
// What a committed operation did to one node, with all that is needed to decide who may hear of it.
#pragma once

#include "xenstore/tree/access.hpp"
#include "xenstore/tree/node.hpp"

#include <string>
#include <vector>

namespace hospes::xenstore {

struct Change {
    // Below a removed node only watches on exactly that path fire: the removed node itself tells those above.
    enum class Reach : bool { node_and_above, node_only };

    std::string path;
    Reach reach = Reach::node_and_above;
    SharedPermissions permissions = {};           // the node's now; a removed node's last
    SharedPermissions parent_permissions = {};    // who may list the parent knows that the node exists
    SharedPermissions previous_permissions = {};  // before SET_PERMS; otherwise null
};

using Changes = std::vector<Change>;

inline bool may_hear_of(Change const& change, Caller const& caller) {
    auto const may_read = [&](SharedPermissions const& list) { return list && may(caller, Access::read, *list); };
    return may_read(change.permissions) || may_read(change.parent_permissions) || may_read(change.previous_permissions);
}

// One event a node: of several changes of one node the first keeps its place and gets what the last one says.
void coalesce(Changes& changes);

}  // namespace hospes::xenstore
