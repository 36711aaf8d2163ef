// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transactions/transaction.hpp"

#include <catch2/catch.hpp>

namespace hospes::xenstore {

namespace {

Path at(std::string_view text) { return *Path::parse(text, "/"); }
Operation write(std::string_view path, std::string value) { return {Operation::Kind::write, at(path), std::move(value), {}}; }
Operation rm(std::string_view path) { return {Operation::Kind::rm, at(path), {}, {}}; }
Operation set_perms(std::string_view path, Permissions list) { return {Operation::Kind::set_perms, at(path), {}, std::move(list)}; }

struct Store {
    Tree tree;
    Quotas quotas;
    Caller dom0{.domain = kDomIdDom0, .target = {}, .is_privileged = true};
    Caller guest{.domain = DomId{5}, .target = {}};

    Store() {
        outside(write("/a", "1"));
        outside(write("/dir/x", "1"));
        outside(write("/guest", ""));
        outside(set_perms("/guest", private_to(DomId{5})));
    }
    Context as_dom0() const { return {dom0, quotas}; }
    Context as_guest() const { return {guest, quotas}; }
    void outside(Operation const& operation) { REQUIRE(xenstore::apply(tree, operation, as_dom0())); }
    std::string value(std::string_view path) const {
        auto const* node = tree.find(at(path)).node;
        return node ? node->value : "missing";
    }
    std::string commit(Transaction& transaction, Context const& context) {
        auto const changes = transaction.commit(tree, context, [](DomId) { return true; });
        return changes ? "OK" : std::string{name_of(changes.error())};
    }
    std::string commit(Transaction& transaction) { return commit(transaction, as_dom0()); }
};

}  // namespace

TEST_CASE("a transaction sees the store as it was, and its own changes", "[xenstore][transactions]") {
    Store store;
    Transaction transaction{store.tree};
    store.outside(write("/a", "2"));
    CHECK(transaction.look_up(at("/a"), Aspects::value, store.as_dom0()).value()->value == "1");
    REQUIRE(transaction.apply(write("/b", "mine"), store.as_dom0()));
    CHECK(transaction.look_up(at("/b"), Aspects::value, store.as_dom0()).value()->value == "mine");
    CHECK(store.value("/b") == "missing");
}

TEST_CASE("what was read and has changed is a conflict", "[xenstore][transactions]") {
    Store store;
    Transaction transaction{store.tree};
    REQUIRE(transaction.look_up(at("/a"), Aspects::value, store.as_dom0()));
    REQUIRE(transaction.apply(write("/b", "x"), store.as_dom0()));

    SECTION("another value") {
        store.outside(write("/a", "2"));
        CHECK(store.commit(transaction) == "EAGAIN");
        CHECK(store.value("/b") == "missing");
    }
    SECTION("the node is gone") {
        store.outside(rm("/a"));
        CHECK(store.commit(transaction) == "EAGAIN");
    }
    SECTION("the same value, written again, is no change") {
        store.outside(write("/a", "1"));
        CHECK(store.commit(transaction) == "OK");
        CHECK(store.value("/b") == "x");
    }
    SECTION("something else") {
        store.outside(write("/dir/x", "2"));
        CHECK(store.commit(transaction) == "OK");
    }
}

TEST_CASE("a node that was removed and made again has its permissions from above: they count once they were seen", "[xenstore][transactions]") {
    Store store;
    Transaction transaction{store.tree};
    REQUIRE(transaction.apply(rm("/dir/x"), store.as_dom0()));
    REQUIRE(transaction.apply(write("/dir/x/y", "2"), store.as_dom0()));
    REQUIRE(transaction.look_up(at("/dir/x/y"), Aspects::permissions, store.as_dom0()));

    SECTION("those of the node above are no longer the same") {
        store.outside(set_perms("/dir", private_to(DomId{5})));
        CHECK(store.commit(transaction) == "EAGAIN");
    }
    SECTION("something else has changed") {
        store.outside(set_perms("/a", private_to(DomId{5})));
        CHECK(store.commit(transaction) == "OK");
        CHECK(store.value("/dir/x/y") == "2");
    }
}

TEST_CASE("transactions that write side by side both succeed", "[xenstore][transactions]") {
    Store store;
    Transaction first{store.tree};
    Transaction second{store.tree};
    REQUIRE(first.apply(write("/dir/one", "1"), store.as_dom0()));
    REQUIRE(second.apply(write("/dir/two", "2"), store.as_dom0()));
    REQUIRE(first.apply(write("/a", "first"), store.as_dom0()));
    REQUIRE(second.apply(write("/a", "second"), store.as_dom0()));
    CHECK(store.commit(first) == "OK");
    CHECK(store.commit(second) == "OK");
    CHECK(store.value("/dir/one") == "1");
    CHECK(store.value("/dir/two") == "2");
    CHECK(store.value("/a") == "second");
}

TEST_CASE("a listed directory conflicts with a new child, a read one does not", "[xenstore][transactions]") {
    Store store;
    Transaction lists{store.tree};
    Transaction reads{store.tree};
    REQUIRE(lists.look_up(at("/dir"), Aspects::children, store.as_dom0()));
    REQUIRE(reads.look_up(at("/dir"), Aspects::value, store.as_dom0()));
    store.outside(write("/dir/new", ""));
    CHECK(store.commit(lists) == "EAGAIN");
    CHECK(store.commit(reads) == "OK");
}

TEST_CASE("what was found missing and is there now is a conflict", "[xenstore][transactions]") {
    Store store;
    Transaction transaction{store.tree};
    CHECK(transaction.look_up(at("/p/q/r"), Aspects::value, store.as_dom0()).error() == WireError::not_found);
    store.outside(write("/p/q/r", "now"));
    CHECK(store.commit(transaction) == "EAGAIN");
}

TEST_CASE("reading what the transaction itself wrote depends on nobody else", "[xenstore][transactions]") {
    Store store;
    Transaction transaction{store.tree};
    REQUIRE(transaction.apply(write("/a", "mine"), store.as_dom0()));
    REQUIRE(transaction.look_up(at("/a"), Aspects::value, store.as_dom0()));
    store.outside(write("/a", "other"));
    CHECK(store.commit(transaction) == "OK");
    CHECK(store.value("/a") == "mine");
}

TEST_CASE("a guest's transaction depends on the permissions that let it", "[xenstore][transactions]") {
    Store store;
    Transaction transaction{store.tree};
    REQUIRE(transaction.apply(write("/guest/x", "1"), store.as_guest()));
    store.outside(set_perms("/guest", private_to(kDomIdDom0)));
    CHECK(store.commit(transaction, store.as_guest()) == "EAGAIN");
    CHECK(store.value("/guest/x") == "missing");
}

TEST_CASE("permissions that a new node inherits are part of what was seen", "[xenstore][transactions]") {
    Store store;
    Transaction transaction{store.tree};
    REQUIRE(transaction.apply(write("/guest/new", ""), store.as_dom0()));
    REQUIRE(transaction.look_up(at("/guest/new"), Aspects::permissions, store.as_dom0()));
    store.outside(set_perms("/guest", private_to(DomId{6})));
    CHECK(store.commit(transaction) == "EAGAIN");
}

TEST_CASE("a commit reports one change for each node, at its first place", "[xenstore][transactions]") {
    Store store;
    bool const is_alone = GENERATE(true, false);
    Transaction transaction{store.tree};
    for (auto const* value : {"1", "2"}) {
        REQUIRE(transaction.apply(write("/b", value), store.as_dom0()));
        REQUIRE(transaction.apply(write("/c", value), store.as_dom0()));
    }
    if (!is_alone) store.outside(write("/dir/x", "9"));
    auto const changes = transaction.commit(store.tree, store.as_dom0(), [](DomId) { return true; });
    REQUIRE(changes);
    REQUIRE(changes->size() == 2);
    CHECK((*changes)[0].path == "/b");
    CHECK((*changes)[1].path == "/c");
}

TEST_CASE("a quota that refuses a change dooms the transaction", "[xenstore][transactions][quota]") {
    Store store;
    store.quotas.nodes = 2;
    Transaction transaction{store.tree};
    REQUIRE(transaction.apply(write("/guest/1", ""), store.as_guest()));
    CHECK(transaction.apply(write("/guest/2", ""), store.as_guest()).error() == WireError::no_space);
    CHECK(store.commit(transaction, store.as_guest()) == "ENOSPC");
    CHECK(store.value("/guest/1") == "missing");
}

TEST_CASE("a guest's transaction is bounded in nodes and in memory", "[xenstore][transactions][quota]") {
    Store store;
    store.quotas.transaction_nodes = 20;
    Transaction transaction{store.tree};
    WireResult<void> result;
    int operations = 0;
    while (result && operations < 100) {
        result = transaction.apply(write("/guest/same", std::to_string(operations++)), store.as_guest());
    }
    CHECK(result.error() == WireError::no_space);

    store.quotas.transaction_nodes = 1'000'000;
    store.quotas.memory_hard = 64 * 1024;
    Transaction second{store.tree};
    result = {};
    operations = 0;
    while (result && operations < 1000) {
        ++operations;
        result = second.apply(write("/guest/same", std::string(1000, 'x')), store.as_guest());
    }
    CHECK(result.error() == WireError::no_memory);
}

TEST_CASE("what a guest's transaction removes again and again is bounded in memory", "[xenstore][transactions][quota]") {
    Store store;
    store.quotas.memory_hard = 256 * 1024;
    std::string path = "/guest/a";
    for (int depth = 0; depth < 200; ++depth) path += "/a";
    Transaction transaction{store.tree};
    WireResult<void> result;
    int rounds = 0;
    for (; result && rounds < 100; ++rounds) {
        result = transaction.apply(write(path, ""), store.as_guest());
        if (result) result = transaction.apply(rm("/guest/a"), store.as_guest());
    }
    CHECK(result.error() == WireError::no_memory);
    CHECK(rounds < 12);  // each removal tells of 201 nodes, with 200 bytes of path in the middle
    CHECK(transaction.bytes() < 2 * store.quotas.memory_hard);
}

TEST_CASE("a node is not given to a domain that has died since", "[xenstore][transactions]") {
    Store store;
    Transaction transaction{store.tree};
    REQUIRE(transaction.apply(set_perms("/a", private_to(DomId{9})), store.as_dom0()));
    auto const changes = transaction.commit(store.tree, store.as_dom0(), [](DomId domain) { return domain != DomId{9}; });
    CHECK(changes.error() == WireError::again);
    CHECK(store.tree.find(at("/a")).node->owner() == kDomIdDom0);
}

}  // namespace hospes::xenstore
