// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/operations.hpp"

#include <catch2/catch.hpp>

namespace hospes::xenstore {

namespace {

Path at(std::string_view text) { return *Path::parse(text, "/local/domain/5"); }

// A store with the places that a toolstack makes for domain 5: its home, which it may read, and data, which is its own.
struct Store {
    Tree tree;
    Quotas quotas;
    Caller dom0{.domain = kDomIdDom0, .target = {}, .is_privileged = true};
    Caller guest{.domain = DomId{5}, .target = {}};

    Store() {
        tree.create(at("/local/domain/5/data"), "", std::nullopt);
        tree.set_permissions(at("/local/domain/5"), readable_by(kDomIdDom0, DomId{5}));
        tree.set_permissions(at("/local/domain/5/data"), private_to(DomId{5}));
        tree.create(at("/secret/inner"), "x", std::nullopt);
    }

    std::string outcome(Caller const& caller, Operation operation) {
        auto const changes = apply(tree, operation, {caller, quotas});
        return changes ? "OK" : std::string{name_of(changes.error())};
    }
    std::string write(Caller const& caller, std::string_view path, std::string value = "v") {
        return outcome(caller, {Operation::Kind::write, at(path), std::move(value), {}});
    }
    std::string mkdir(Caller const& caller, std::string_view path) { return outcome(caller, {Operation::Kind::mkdir, at(path), {}, {}}); }
    std::string rm(Caller const& caller, std::string_view path) { return outcome(caller, {Operation::Kind::rm, at(path), {}, {}}); }
    std::string set_perms(Caller const& caller, std::string_view path, Permissions permissions) {
        return outcome(caller, {Operation::Kind::set_perms, at(path), {}, std::move(permissions)});
    }
    std::string read(Caller const& caller, std::string_view path) const {
        auto const node = look_up(tree, at(path), Aspects::value, {caller, quotas});
        return node ? "=" + (*node)->value : std::string{name_of(node.error())};
    }
};

}  // namespace

TEST_CASE("a guest reads what it may, and cannot tell a missing node from a forbidden one", "[xenstore][operations]") {
    Store store;
    CHECK(store.read(store.guest, "data") == "=");
    CHECK(store.read(store.guest, "nothing") == "ENOENT");
    CHECK(store.read(store.guest, "/secret") == "EACCES");
    CHECK(store.read(store.guest, "/secret/inner") == "EACCES");
    CHECK(store.read(store.guest, "/secret/nothing/at/all") == "EACCES");
    CHECK(store.read(store.guest, "/nothing") == "EACCES");
    CHECK(store.read(store.dom0, "/nothing") == "ENOENT");
}

TEST_CASE("a guest writes below what it owns, and nowhere else", "[xenstore][operations]") {
    Store store;
    CHECK(store.write(store.guest, "data/a/b", "1") == "OK");
    CHECK(store.read(store.guest, "data/a/b") == "=1");
    CHECK(store.tree.find(at("data/a")).node->owner() == DomId{5});
    CHECK(store.write(store.guest, "name") == "EACCES");
    CHECK(store.mkdir(store.guest, "/top") == "EACCES");
    CHECK(store.rm(store.guest, "/secret") == "EACCES");
    CHECK(store.mkdir(store.guest, "data") == "OK");
}

TEST_CASE("the owner's rights cover a removal of the whole subtree, whoever owns the rest", "[xenstore][operations]") {
    Store store;
    REQUIRE(store.write(store.dom0, "data/toolstack/private") == "OK");
    REQUIRE(store.set_perms(store.dom0, "data/toolstack", private_to(kDomIdDom0)) == "OK");
    CHECK(store.rm(store.guest, "data") == "OK");
    CHECK(store.tree.find(at("data")).node == nullptr);
}

TEST_CASE("removal of a missing node is fine below an existing one", "[xenstore][operations]") {
    Store store;
    CHECK(store.rm(store.dom0, "/nothing") == "OK");
    CHECK(store.rm(store.dom0, "/nothing/below") == "ENOENT");
    CHECK(store.rm(store.guest, "data/nothing") == "OK");
    CHECK(store.rm(store.guest, "data/nothing/below") == "ENOENT");
    CHECK(store.rm(store.dom0, "/") == "EINVAL");
    CHECK(store.rm(store.guest, "/") == "EACCES");
}

TEST_CASE("permissions are changed by the owner, who cannot give a node away", "[xenstore][operations]") {
    Store store;
    CHECK(store.set_perms(store.guest, "data", readable_by(DomId{5}, DomId{6})) == "OK");
    CHECK(store.set_perms(store.guest, "data", private_to(DomId{6})) == "EPERM");
    CHECK(store.set_perms(store.guest, "/local/domain/5", private_to(DomId{5})) == "EACCES");
    CHECK(store.set_perms(store.dom0, "data", private_to(DomId{6})) == "OK");
    CHECK(store.set_perms(store.dom0, "/nothing", private_to(DomId{0})) == "ENOENT");
}

TEST_CASE("entries are matched in order: owner, listed domains, default", "[xenstore][operations]") {
    Permissions const list{{DomId{1}, Access::read}, {DomId{2}, Access::none}, {DomId{3}, Access::write}, {DomId{2}, Access::both}};
    CHECK(access_of({.domain = DomId{1}, .target = {}}, list) == Access::both);
    CHECK(access_of({.domain = DomId{2}, .target = {}}, list) == Access::none);
    CHECK(access_of({.domain = DomId{3}, .target = {}}, list) == Access::write);
    CHECK(access_of({.domain = DomId{9}, .target = {}}, list) == Access::read);
    CHECK(access_of({.domain = DomId{9}, .target = DomId{1}}, list) == Access::both);
    CHECK(access_of({.domain = DomId{9}, .target = {}, .is_privileged = true}, list) == Access::both);
}

TEST_CASE("a guest that is over a quota changes nothing", "[xenstore][operations][quota]") {
    Store store;
    store.quotas.nodes = 4;
    CHECK(store.write(store.guest, "data/a/b/c") == "OK");
    auto const before = store.tree;
    CHECK(store.write(store.guest, "data/d") == "ENOSPC");
    CHECK(store.mkdir(store.guest, "data/d") == "ENOSPC");
    CHECK(store.tree.is_same_version(before));
    CHECK(store.write(store.guest, "data/a/b/c", "other") == "OK");
    CHECK(store.write(store.dom0, "data/d") == "OK");
}

TEST_CASE("a guest's nodes are bounded in size, in permissions and in memory", "[xenstore][operations][quota]") {
    Store store;
    CHECK(store.write(store.guest, "data/x", std::string(2048, 'x')) == "ENOSPC");
    CHECK(store.write(store.guest, "data/x", std::string(2000, 'x')) == "OK");
    CHECK(store.write(store.guest, "data/x", std::string(2048, 'x')) == "ENOSPC");
    CHECK(store.write(store.dom0, "data/x", std::string(4000, 'x')) == "OK");
    Permissions list{{DomId{5}, Access::none}};
    for (u16 i = 10; i < 14; ++i) list.push_back({DomId{i}, Access::read});
    CHECK(store.set_perms(store.guest, "data", list) == "OK");
    list.push_back({DomId{20}, Access::read});
    CHECK(store.set_perms(store.guest, "data", list) == "ENOSPC");
    CHECK(store.set_perms(store.dom0, "data", list) == "OK");

    store.quotas.memory_hard = 8192;
    CHECK(store.write(store.guest, "data/y", std::string(2000, 'y')) == "OK");
    CHECK(store.write(store.guest, "data/z", std::string(2000, 'z')) == "ENOMEM");
    CHECK(store.read(store.guest, "data/z") == "ENOENT");
}

TEST_CASE("a guest directory has no limit of its own", "[xenstore][operations][quota]") {
    Store store;
    for (int i = 0; i < 900; ++i) REQUIRE(store.mkdir(store.guest, "data/" + std::to_string(i)) == "OK");
}

}  // namespace hospes::xenstore
