// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/tree.hpp"

#include <catch2/catch.hpp>

namespace hospes::xenstore {

namespace {

Path at(std::string_view text) { return *Path::parse(text, "/"); }

std::vector<std::string> paths_of(Changes const& changes) {
    std::vector<std::string> paths;
    for (auto const& change : changes) paths.push_back(change.path);
    return paths;
}

}  // namespace

TEST_CASE("a copy of a tree does not see later changes", "[xenstore][tree]") {
    Tree tree;
    tree.create(at("/a/b"), "1", std::nullopt);
    auto const snapshot = tree;
    CHECK(snapshot.is_same_version(tree));

    tree.set_value(at("/a/b"), "2");
    tree.create(at("/a/c"), "", std::nullopt);
    tree.remove(at("/a/b"));
    CHECK_FALSE(snapshot.is_same_version(tree));
    CHECK(snapshot.find(at("/a/b")).node->value == "1");
    CHECK(snapshot.find(at("/a/c")).node == nullptr);
    CHECK(tree.find(at("/a/b")).node == nullptr);
}

TEST_CASE("a subtree that a change did not touch is shared between versions", "[xenstore][tree]") {
    Tree tree;
    tree.create(at("/a/b"), "1", std::nullopt);
    tree.create(at("/x/y"), "1", std::nullopt);
    auto const snapshot = tree;
    tree.set_value(at("/a/b"), "2");
    CHECK(snapshot.find(at("/x")).node == tree.find(at("/x")).node);
    CHECK(snapshot.find(at("/a")).node != tree.find(at("/a")).node);
}

TEST_CASE("a missing node is found as far as it exists", "[xenstore][tree]") {
    Tree tree;
    tree.create(at("/a/b"), "", std::nullopt);
    auto const path = at("/a/b/c/d");
    auto const found = tree.find(path);
    CHECK(found.node == nullptr);
    CHECK(found.nearest().name == "b");
    CHECK(found.parent_path == "/a/b");
    CHECK(found.first_missing == "/a/b/c");
    CHECK(found.missing == 2);
}

TEST_CASE("children are sorted by name", "[xenstore][tree]") {
    Tree tree;
    for (auto const* name : {"/c", "/a", "/b", "/10", "/9"}) tree.create(at(name), "", std::nullopt);
    std::vector<std::string> names;
    for (auto const& child : tree.root().children) names.push_back(child->name);
    CHECK(names == std::vector<std::string>{"10", "9", "a", "b", "c"});
}

TEST_CASE("a new node has its parent's permissions, and belongs to its creator", "[xenstore][tree]") {
    Tree tree;
    tree.create(at("/p"), "", std::nullopt);
    tree.set_permissions(at("/p"), readable_by(DomId{3}, DomId{4}));
    tree.create(at("/p/toolstack"), "", std::nullopt);
    tree.create(at("/p/guest/deep"), "", DomId{7});
    CHECK(*tree.find(at("/p/toolstack")).node->permissions == readable_by(DomId{3}, DomId{4}));
    CHECK(*tree.find(at("/p/guest")).node->permissions == readable_by(DomId{7}, DomId{4}));
    CHECK(*tree.find(at("/p/guest/deep")).node->permissions == readable_by(DomId{7}, DomId{4}));
}

TEST_CASE("removal goes through a subtree in post-order, and only the top concerns those above", "[xenstore][tree]") {
    Tree tree;
    for (auto const* path : {"/a/b/c", "/a/b/d", "/a/e"}) tree.create(at(path), "", std::nullopt);
    auto const changes = tree.remove(at("/a"));
    CHECK(paths_of(changes) == std::vector<std::string>{"/a/b/c", "/a/b/d", "/a/b", "/a/e", "/a"});
    CHECK(changes[0].reach == Change::Reach::node_only);
    CHECK(changes.back().reach == Change::Reach::node_and_above);
}

TEST_CASE("nodes are charged to their owners, also when they change hands", "[xenstore][tree]") {
    Tree tree;
    auto const empty = tree.ledger();
    tree.create(at("/g/a"), "12345", DomId{7});
    CHECK(tree.ledger().of(DomId{7}).nodes == 2);
    tree.set_permissions(at("/g/a"), private_to(DomId{8}));
    CHECK(tree.ledger().of(DomId{7}).nodes == 1);
    CHECK(tree.ledger().of(DomId{8}).nodes == 1);
    auto const before = tree.ledger().of(DomId{8}).bytes;
    tree.set_value(at("/g/a"), "123456789");
    CHECK(tree.ledger().of(DomId{8}).bytes == before + 4);
    tree.remove(at("/g"));
    CHECK(tree.ledger() == empty);
}

TEST_CASE("the deepest tree and the longest chain of versions fit on a small stack", "[xenstore][tree]") {
    Tree tree;
    std::string path;
    while (path.size() + 2 <= kPathMax) path += "/d";
    tree.create(at(path), "", std::nullopt);
    std::vector<Tree> versions;
    for (int i = 0; i < 100; ++i) {
        versions.push_back(tree);
        tree.set_value(at(path), std::to_string(i));
    }
    CHECK(tree.remove(at("/d")).size() == path.size() / 2);
    versions.erase(versions.begin() + 1, versions.end());
    CHECK(versions.front().find(at(path)).node != nullptr);
}

TEST_CASE("the generation of a node grows with each change of it", "[xenstore][tree]") {
    Tree tree;
    tree.create(at("/a"), "", std::nullopt);
    auto const first = tree.find(at("/a")).node->generation;
    tree.create(at("/a/b"), "", std::nullopt);
    auto const second = tree.find(at("/a")).node->generation;
    CHECK(second > first);
    tree.create(at("/x"), "", std::nullopt);
    CHECK(tree.find(at("/a")).node->generation == second);
}

}  // namespace hospes::xenstore
