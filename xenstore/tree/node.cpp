// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/node.hpp"

#include <algorithm>

namespace hospes::xenstore {

NodeRef::NodeRef(NodeRef const& other) noexcept : node_{other.node_} {
    if (node_) ++node_->references_;
}

NodeRef NodeRef::make(std::string name, SharedPermissions permissions, u64 generation) {
    auto* const node = new Node;
    node->name = std::move(name);
    node->permissions = std::move(permissions);
    node->generation = generation;
    return NodeRef{node};
}

Node& NodeRef::writable() {
    if (node_->references_ > 1) {
        auto* const copy = new Node{*node_};
        copy->references_ = 1;
        --node_->references_;
        node_ = copy;
    }
    return *node_;
}

// A loop, not a recursion: a guest decides how deep a tree is.
void NodeRef::put(Node* node) {
    if (--node->references_ > 0) return;
    std::vector<Node*> unreferenced{node};
    while (!unreferenced.empty()) {
        auto* const dead = unreferenced.back();
        unreferenced.pop_back();
        for (auto& child : dead->children) {
            auto* const orphan = std::exchange(child.node_, nullptr);
            if (--orphan->references_ == 0) unreferenced.push_back(orphan);
        }
        delete dead;
    }
}

usize size_of(Node const& node) {
    return sizeof(Node) + node.name.size() + node.value.size() + node.permissions->size() * sizeof(Permission);
}

usize child_position(Node const& node, std::string_view name) {
    auto const place = std::ranges::lower_bound(node.children, name, {}, [](NodeRef const& child) { return std::string_view{child->name}; });
    return static_cast<usize>(place - node.children.begin());
}

Node const* find_child(Node const& node, std::string_view name) {
    auto const position = child_position(node, name);
    if (position == node.children.size() || node.children[position]->name != name) return nullptr;
    return node.children[position].get();
}

}  // namespace hospes::xenstore
