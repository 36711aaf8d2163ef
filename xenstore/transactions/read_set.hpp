// SPDX-License-Identifier: Apache-2.0
// What a transaction's outcome depends on: aspects of nodes, as they were in the version of the tree that it started from.
// As long as another version agrees in all of them, the same requests have the same answers there.
#pragma once

#include "xenstore/tree/operations.hpp"

#include <map>
#include <set>

namespace hospes::xenstore {

class ReadSet final : public Observer {
public:
    // `base` is the version that the transaction started from; it outlives this.
    explicit ReadSet(Tree const& base) : base_{base} {}

    void saw(std::string_view path, Aspects aspects) override;

    // The transaction itself has set the node's value: what it reads there from now on is its own.
    void wrote(Path const& path) { written_.insert(path.text()); }
    // It has removed the node: what it creates there from now on has its permissions from above.
    void removed(Path const& path) { removed_.insert(path.text()); }

    // Whether `other` agrees with the base in all that was seen.
    bool holds_in(Tree const& other) const;

    usize size() const { return seen_.size(); }
    usize bytes() const { return bytes_; }

private:
    void add(std::string_view path, Aspects aspects);
    void add_origin_of_permissions(Path const& path);

    Tree const& base_;
    std::map<std::string, Aspects, std::less<>> seen_;
    std::set<std::string, std::less<>> written_;
    std::set<std::string, std::less<>> removed_;
    usize bytes_ = 0;
};

}  // namespace hospes::xenstore
