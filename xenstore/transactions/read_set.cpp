// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transactions/read_set.hpp"

#include <algorithm>

namespace hospes::xenstore {

namespace {

bool have_same_children(Node const& a, Node const& b) {
    return std::ranges::equal(a.children, b.children, {}, [](NodeRef const& child) { return std::string_view{child->name}; },
                              [](NodeRef const& child) { return std::string_view{child->name}; });
}

bool agree(Node const* a, Node const* b, Aspects aspects) {
    if (a == b) return true;  // nodes of two versions are the same object if nothing in or below them has changed
    if (!a || !b) return false;
    if (includes(aspects, Aspects::value) && a->value != b->value) return false;
    if (includes(aspects, Aspects::children) && !have_same_children(*a, *b)) return false;
    return !includes(aspects, Aspects::permissions) || *a->permissions == *b->permissions;
}

Path path_of(std::string_view text) { return *Path::parse(text, "/"); }

}  // namespace

void ReadSet::add(std::string_view path, Aspects aspects) {
    if (auto const known = seen_.find(path); known != seen_.end()) {
        known->second = known->second | aspects;
        return;
    }
    seen_.emplace(path, aspects);
    bytes_ += sizeof(std::pair<std::string, Aspects>) + path.size();
}

void ReadSet::saw(std::string_view path, Aspects aspects) {
    bool const is_own = written_.contains(path);
    if (!is_own || includes(aspects, Aspects::children)) add(path, aspects);
    if (!includes(aspects, Aspects::permissions)) return;
    auto const sought = path_of(path);
    add_origin_of_permissions(sought);
    if (removed_.empty()) return;
    Path topmost;  // of those removed, this node and all above it
    for (auto above = sought; !above.is_root(); above = above.parent())
        if (removed_.contains(above.text())) topmost = above;
    if (!topmost.is_root()) add_origin_of_permissions(topmost.parent());
}

// A node that the transaction created has its permissions from the nearest node that was there before.
void ReadSet::add_origin_of_permissions(Path const& path) {
    auto const found = base_.find(path);
    if (found.node) {
        add(path.text(), Aspects::permissions);
    } else {
        add(found.first_missing, Aspects::existence);
        add(found.parent_path, Aspects::permissions);
    }
}

bool ReadSet::holds_in(Tree const& other) const {
    return std::ranges::all_of(seen_, [&](auto const& entry) {
        auto const path = path_of(entry.first);
        return agree(base_.find(path).node, other.find(path).node, entry.second);
    });
}

}  // namespace hospes::xenstore
