// SPDX-License-Identifier: Apache-2.0
// A node, and the counted reference to it. Nodes are shared between versions of the tree and therefore not changed while
// more than one reference exists: writable() makes a private copy first. Only one thread touches them.
#pragma once

#include "xenstore/wire/permission.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hospes::xenstore {

struct Node;

using SharedPermissions = std::shared_ptr<Permissions const>;

class NodeRef {
public:
    NodeRef() = default;
    NodeRef(NodeRef const& other) noexcept;
    NodeRef(NodeRef&& other) noexcept : node_{std::exchange(other.node_, nullptr)} {}
    NodeRef& operator=(NodeRef other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~NodeRef() {
        if (node_) put(node_);
    }

    static NodeRef make(std::string name, SharedPermissions permissions, u64 generation);

    Node const& operator*() const { return *node_; }
    Node const* operator->() const { return node_; }
    Node const* get() const { return node_; }
    explicit operator bool() const { return node_ != nullptr; }
    friend bool operator==(NodeRef const&, NodeRef const&) = default;

    // The node, to be changed: it is replaced by a copy first if it is shared.
    Node& writable();

private:
    explicit NodeRef(Node* node) : node_{node} {}
    static void put(Node* node);

    Node* node_ = nullptr;
};

struct Node {
    std::string name;
    std::string value;
    SharedPermissions permissions;
    std::vector<NodeRef> children;  // sorted by name
    u64 generation = 0;             // of the last change to this node: value, permissions, or which children there are

    DomId owner() const { return permissions->front().domain; }

private:
    friend class NodeRef;
    u32 references_ = 1;
};

// What a node takes of its owner's memory quota, in bytes.
usize size_of(Node const& node);

// The child of that name, or null.
Node const* find_child(Node const& node, std::string_view name);
// Where it is in `children`, or would be.
usize child_position(Node const& node, std::string_view name);

}  // namespace hospes::xenstore
