// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/tree.hpp"

namespace hospes::xenstore {

Tree::Tree() : root_{NodeRef::make("", std::make_shared<Permissions const>(private_to(kDomIdDom0)), generation_)} { charge(*root_); }

Lookup Tree::find(Path const& path) const {
    Components components{path.text()};
    Lookup found{.node = root_.get(), .parent = root_.get(), .parent_path = "/"};
    auto passed = components.passed();
    while (auto const name = components.next()) {
        if (found.node) {
            found.parent = found.node;
            found.parent_path = passed;
            found.node = find_child(*found.node, *name);
            if (!found.node) found.first_missing = components.passed();
        }
        if (!found.node) ++found.missing;
        passed = components.passed();
    }
    return found;
}

// The existing node at `path`, private to this version along with all above it.
Node& Tree::writable(std::string_view path) {
    auto* node = &root_.writable();
    for (Components components{path}; auto const name = components.next();) {
        node = &node->children[child_position(*node, *name)].writable();
    }
    node->generation = ++generation_;
    return *node;
}

Change Tree::set_value(Path const& path, std::string_view value) {
    auto const parent_permissions = find(path).parent->permissions;
    auto& node = writable(path.text());
    refund(node);
    node.value = value;
    charge(node);
    return {.path = path.text(), .permissions = node.permissions, .parent_permissions = parent_permissions};
}

NodeRef Tree::make_node(std::string_view name, SharedPermissions const& permissions) {
    return NodeRef::make(std::string{name}, permissions, ++generation_);
}

Change Tree::create(Path const& path, std::string_view value, std::optional<DomId> owner) {
    auto const found = find(path);
    auto* parent = &writable(found.parent_path);
    auto permissions = parent->permissions;
    auto parent_permissions = permissions;
    if (owner && permissions->front().domain != *owner) {
        auto own = *permissions;
        own.front().domain = *owner;
        permissions = std::make_shared<Permissions const>(std::move(own));
    }

    for (Components components{path.text(), found.parent_path}; auto const name = components.next();) {
        auto const place = parent->children.begin() + static_cast<std::ptrdiff_t>(child_position(*parent, *name));
        auto const added = parent->children.insert(place, make_node(*name, permissions));
        parent = &added->writable();
        bool const is_last = components.passed().size() == path.text().size();
        if (is_last) parent->value = value;
        charge(*parent);
    }
    if (found.missing > 1) parent_permissions = permissions;  // the parent is new as well
    return {.path = path.text(), .permissions = permissions, .parent_permissions = parent_permissions};
}

Change Tree::set_permissions(Path const& path, Permissions permissions) {
    auto const parent_permissions = find(path).parent->permissions;
    auto& node = writable(path.text());
    auto previous = node.permissions;
    refund(node);
    node.permissions = std::make_shared<Permissions const>(std::move(permissions));
    charge(node);
    return {.path = path.text(),
            .permissions = node.permissions,
            .parent_permissions = parent_permissions,
            .previous_permissions = std::move(previous)};
}

Changes Tree::remove(Path const& path) {
    auto const found = find(path);
    struct Visit {
        Path path;
        Node const* node;
        SharedPermissions parent_permissions;
        bool children_done = false;
    };
    Changes changes;
    std::vector<Visit> pending{{path, found.node, found.parent->permissions}};
    while (!pending.empty()) {
        if (!std::exchange(pending.back().children_done, true)) {
            auto const visit = pending.back();
            for (auto child = visit.node->children.rbegin(); child != visit.node->children.rend(); ++child) {
                pending.push_back({visit.path.child((*child)->name), child->get(), visit.node->permissions});
            }
            continue;
        }
        auto const& done = pending.back();
        refund(*done.node);
        changes.push_back({done.path.text(), Change::Reach::node_only, done.node->permissions, done.parent_permissions, nullptr});
        pending.pop_back();
    }
    changes.back().reach = Change::Reach::node_and_above;

    auto& parent = writable(found.parent_path);
    parent.children.erase(parent.children.begin() + static_cast<std::ptrdiff_t>(child_position(parent, path.name())));
    return changes;
}

}  // namespace hospes::xenstore
