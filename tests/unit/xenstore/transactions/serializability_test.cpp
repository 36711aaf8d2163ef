// SPDX-License-Identifier: Apache-2.0
// Transactions of several callers, interleaved at random, against an oracle: each one that commits must have had the same
// answers, and leave the same store, as if it had run alone at the moment of its commit.
#include "xenstore/transactions/transaction.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <random>

namespace hospes::xenstore {

namespace {

// One request in a transaction, and what it was answered.
struct Step {
    enum class Kind { read, list, permissions, change };
    Kind kind;
    Operation operation;  // of the others only the path counts
    std::string answer;
};

std::string shown(Permissions const& list) {
    std::string text;
    for (auto const permission : list) text += to_string(permission) + ",";
    return text;
}

std::string shown(WireResult<Node const*> const& node, Step::Kind kind) {
    if (!node) return std::string{name_of(node.error())};
    if (kind == Step::Kind::read) return "=" + (*node)->value;
    if (kind == Step::Kind::permissions) return shown(*(*node)->permissions);
    std::string names;
    for (auto const& child : (*node)->children) names += child->name + ",";
    return names;
}

// The whole store as text.
std::string shown(Tree const& tree) {
    std::string text;
    for (auto const& path : tree.select([](Node const&) { return true; }, Tree::Below::look)) {
        auto const* node = tree.find(path).node;
        text += fmt::format("{}={} {}\n", path.text(), node->value, shown(*node->permissions));
    }
    return text;
}

Aspects aspect_of(Step::Kind kind) {
    if (kind == Step::Kind::read) return Aspects::value;
    return kind == Step::Kind::list ? Aspects::children : Aspects::permissions;
}

class Walk {
public:
    explicit Walk(unsigned seed) : random_{seed} {
        for (auto const* path : {"/a/a", "/a/b", "/b/a"}) REQUIRE(xenstore::apply(tree_, write(path), {callers_[0], quotas_}));
        REQUIRE(xenstore::apply(tree_, set_perms("/a", {{DomId{5}, Access::none}, {DomId{6}, Access::read}}), {callers_[0], quotas_}));
        REQUIRE(xenstore::apply(tree_, set_perms("/a/a", {{DomId{5}, Access::none}, {DomId{6}, Access::both}}), {callers_[0], quotas_}));
    }

    void run() {
        for (int i = 0; i < 400; ++i) {
            auto& open = open_[pick(open_.size())];
            if (!open.transaction) open = {std::make_unique<Transaction>(tree_), {}, pick(callers_.size())};
            if (pick(4) == 0) {
                commit(open);
            } else {
                step(open);
            }
        }
    }
    int commits() const { return commits_; }
    int conflicts() const { return conflicts_; }

private:
    struct Open {
        std::unique_ptr<Transaction> transaction;
        std::vector<Step> steps;
        usize caller = 0;
    };

    usize pick(usize count) { return random_() % count; }
    Path path() {
        Path path;
        for (usize depth = 1 + pick(3); depth > 0; --depth) path = path.child(pick(2) ? "a" : "b");
        return path;
    }
    static Operation write(std::string_view path) { return {Operation::Kind::write, *Path::parse(path, "/"), "0", {}}; }
    static Operation set_perms(std::string_view path, Permissions list) {
        return {Operation::Kind::set_perms, *Path::parse(path, "/"), {}, std::move(list)};
    }

    Step new_step(DomId caller) {
        constexpr std::array kAccess{Access::none, Access::read, Access::write, Access::both};
        auto const kind = static_cast<Step::Kind>(pick(5) < 2 ? 3 : pick(4));
        Operation operation{static_cast<Operation::Kind>(pick(4)), path(), std::to_string(pick(3)), {}};
        operation.permissions = {{pick(3) ? caller : DomId{5}, kAccess[pick(4)]}, {DomId{6}, kAccess[pick(4)]}};
        return {kind, std::move(operation), {}};
    }

    void step(Open& open) {
        Context const context{callers_[open.caller], quotas_};
        auto step = new_step(context.caller.domain);
        if (step.kind == Step::Kind::change) {
            auto const applied = open.transaction->apply(step.operation, context);
            step.answer = applied ? "OK" : std::string{name_of(applied.error())};
        } else {
            step.answer = shown(open.transaction->look_up(step.operation.path, aspect_of(step.kind), context), step.kind);
        }
        open.steps.push_back(std::move(step));
    }

    void commit(Open& open) {
        Context const context{callers_[open.caller], quotas_};
        auto expected = tree_;
        auto const before = tree_;
        auto const changes = open.transaction->commit(tree_, context, [](DomId) { return true; });
        if (changes) {
            ++commits_;
            for (auto const& step : open.steps) CHECK(alone(expected, step, context) == step.answer);
            CHECK(shown(tree_) == shown(expected));
            CHECK(tree_.ledger() == expected.ledger());
        } else {
            ++conflicts_;
            CHECK(changes.error() == WireError::again);
            CHECK(tree_.is_same_version(before));
        }
        open = {};
    }

    // The oracle: the step, outside of any transaction.
    static std::string alone(Tree& tree, Step const& step, Context const& context) {
        if (step.kind != Step::Kind::change) return shown(look_up(tree, step.operation.path, aspect_of(step.kind), context), step.kind);
        auto const applied = xenstore::apply(tree, step.operation, context);
        return applied ? "OK" : std::string{name_of(applied.error())};
    }

    std::mt19937 random_;
    Tree tree_;
    Quotas quotas_;
    std::array<Caller, 3> callers_{Caller{.domain = kDomIdDom0, .target = {}, .is_privileged = true}, Caller{.domain = DomId{5}, .target = {}},
                                   Caller{.domain = DomId{6}, .target = {}}};
    std::array<Open, 4> open_;
    int commits_ = 0;
    int conflicts_ = 0;
};

}  // namespace

TEST_CASE("committed transactions are serializable", "[xenstore][transactions][property]") {
    auto const first = std::random_device{}();
    int commits = 0;
    int conflicts = 0;
    for (unsigned i = 0; i < 100; ++i) {
        auto const seed = first + i;
        INFO("seed " << seed);
        Walk walk{seed};
        walk.run();
        commits += walk.commits();
        conflicts += walk.conflicts();
    }
    CHECK(commits > 1000);  // else the walk would say little
    CHECK(conflicts > 100);
}

}  // namespace hospes::xenstore
