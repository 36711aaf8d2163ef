// SPDX-License-Identifier: Apache-2.0
// One version of the store: the nodes, and who is charged for them. A value: copying it costs a reference to the root, and
// later changes of either copy do not show in the other. Only what makes sense is checked here, not who may do it
// (operations.hpp). Nothing recurses.
#pragma once

#include "xenstore/tree/change.hpp"
#include "xenstore/tree/node.hpp"
#include "xenstore/tree/path.hpp"
#include "xenstore/tree/quota.hpp"

namespace hospes::xenstore {

// What was found along a path.
struct Lookup {
    Node const* node = nullptr;      // the node itself, if it exists
    Node const* parent = nullptr;    // of the node, or where its missing part would begin; the root is its own parent
    std::string_view parent_path = {};    // where that is: a piece of the path that was looked up
    std::string_view first_missing = {};  // the topmost missing path; empty if the node exists
    usize missing = 0;               // how many nodes are missing, the sought one included

    // The node, or the deepest one that exists above it.
    Node const& nearest() const { return node ? *node : *parent; }
};

class Tree {
public:
    // An empty store: a root that belongs to the control domain and that nobody else may read.
    Tree();

    // The views in the result point into `path`.
    Lookup find(Path const& path) const;
    Node const& root() const { return *root_; }
    Ledger const& ledger() const { return ledger_; }
    bool is_same_version(Tree const& other) const { return root_ == other.root_; }

    // Sets the value of an existing node.
    Change set_value(Path const& path, std::string_view value);

    // Creates a node and all that is missing above it. Each new node has its parent's permissions, but belongs to `owner`
    // where one is given.
    Change create(Path const& path, std::string_view value, std::optional<DomId> owner);

    Change set_permissions(Path const& path, Permissions permissions);

    // Removes an existing node, not the root, and all below it. The changes are in post-order, the node itself is last.
    Changes remove(Path const& path);

    // Whether to look below a node that was selected.
    enum class Below : bool { skip, look };
    // The paths of the nodes that `wanted` selects, parents before children.
    template <typename Predicate>
    std::vector<Path> select(Predicate wanted, Below below) const;

private:
    Node& writable(std::string_view path);
    void charge(Node const& node) { ledger_.charge(node.owner(), usage(node)); }
    void refund(Node const& node) { ledger_.charge(node.owner(), -usage(node)); }
    static Usage usage(Node const& node) { return {1, static_cast<i64>(size_of(node))}; }
    NodeRef make_node(std::string_view name, SharedPermissions const& permissions);

    u64 generation_ = 1;
    NodeRef root_;
    Ledger ledger_;
};

template <typename Predicate>
std::vector<Path> Tree::select(Predicate wanted, Below below) const {
    std::vector<Path> found;
    std::vector<std::pair<Path, Node const*>> pending{{Path{}, root_.get()}};
    while (!pending.empty()) {
        auto const [path, node] = std::move(pending.back());
        pending.pop_back();
        if (wanted(*node)) {
            found.push_back(path);
            if (below == Below::skip) continue;
        }
        for (auto const& child : node->children) pending.emplace_back(path.child(child->name), child.get());
    }
    return found;
}

}  // namespace hospes::xenstore
