// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tools/tool.hpp"

#include <fmt/format.h>

namespace hospes::xenstore::tools {

namespace {

std::string child_of(std::string_view path, std::string_view name) { return fmt::format("{}{}{}", path, path == "/" ? "" : "/", name); }

std::string shown(Permissions const& permissions) {
    std::string text = "   (";
    for (auto const permission : permissions) text += (text.back() == '(' ? "" : ",") + to_string(permission);
    return text + ")";
}

// One line for a node. Nodes come and go while we look: one that is gone is left out, one we may not read shows no value.
Status print_node(StoreView const& store, std::string const& path, std::string_view label, Invocation const& invocation) {
    auto const value = store.read(path);
    if (!value && value.error().code() == ENOENT) return {};
    if (!value && value.error().code() != EACCES) return std::unexpected{value.error()};
    auto line = fmt::format("{} = \"{}\"", label, escaped(value.value_or("")));
    if (invocation.has('p')) {
        if (auto const permissions = store.permissions(path)) line += shown(*permissions);
    }
    fmt::print("{}\n", line);
    return {};
}

Result<std::vector<std::string>> children(StoreView const& store, std::string const& path) {
    auto names = store.directory(path);
    if (!names && (names.error().code() == ENOENT || names.error().code() == EACCES)) return std::vector<std::string>{};
    return names;
}

// All below `top`, depth first.
Status print_below(StoreView const& store, std::string const& top, Invocation const& invocation) {
    struct Visit {
        std::string path;
        std::string name;
        usize depth;
    };
    std::vector<Visit> pending;
    auto const visit_children = [&](std::string const& path, usize depth) -> Status {
        auto const names = HV_TRY(children(store, path));
        for (auto name = names.rbegin(); name != names.rend(); ++name) pending.push_back({child_of(path, *name), *name, depth});
        return {};
    };
    HV_TRY(visit_children(top, 0));
    while (!pending.empty()) {
        auto const visit = std::move(pending.back());
        pending.pop_back();
        auto const label = invocation.has('f') ? visit.path : std::string(visit.depth, ' ') + visit.name;
        HV_TRY(print_node(store, visit.path, label, invocation));
        HV_TRY(visit_children(visit.path, visit.depth + 1));
    }
    return {};
}

// The node and all below it, parents first.
Result<std::vector<std::string>> subtree(StoreView const& store, std::string const& top) {
    std::vector<std::string> paths{top};
    for (usize i = 0; i < paths.size(); ++i) {
        auto const path = paths[i];
        auto const names = HV_TRY(store.directory(path));
        for (auto const& name : names) paths.push_back(child_of(path, name));
    }
    return paths;
}

// Removes the parents of `path` that have become empty and hold no value.
Status tidy(StoreView const& store, std::string path) {
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/')) {
        path.resize(slash);
        auto const value = HV_TRY(store.read(path));
        auto const names = HV_TRY(store.directory(path));
        if (!value.empty() || !names.empty()) return {};
        HV_TRY(store.remove(path));
    }
    return {};
}

}  // namespace

Result<int> ls(Client& client, Invocation const& invocation) {
    auto const tops = invocation.operands.empty() ? std::vector<std::string>{"/"} : invocation.operands;
    for (auto const& top : tops) {
        HV_TRY(client.directory(top));  // a top that is missing is an error
        HV_TRY(print_below(client, top, invocation));
    }
    return 0;
}

Result<int> list(Client& client, Invocation const& invocation) {
    auto const tops = invocation.operands.empty() ? std::vector<std::string>{"/"} : invocation.operands;
    for (auto const& top : tops) {
        auto const names = HV_TRY(client.directory(top));
        for (auto const& name : names) {
            auto const path = child_of(top, name);
            auto line = invocation.has('f') ? path : name;
            if (invocation.has('p')) {
                auto const permissions = HV_TRY(client.permissions(path));
                line += shown(permissions);
            }
            fmt::print("{}\n", line);
        }
    }
    return 0;
}

Result<int> rm(Client& client, Invocation const& invocation) {
    auto const remove_all = [&](StoreView const& store) -> Status {
        for (auto const& path : invocation.operands) {
            HV_TRY(store.remove(path));
            if (invocation.has('t')) HV_TRY(tidy(store, path));
        }
        return {};
    };
    HV_TRY(client.transact(remove_all));
    return 0;
}

Result<int> chmod(Client& client, Invocation const& invocation) {
    Permissions permissions;
    for (auto text = invocation.operands.begin() + 1; text != invocation.operands.end(); ++text) {
        auto const permission = parse_permission(*text);
        if (!permission) return fail(EINVAL, "\"{}\" is no permission: a letter of n, r, w, b and a domain number, such as r5", *text);
        permissions.push_back(*permission);
    }
    auto const& top = invocation.operands.front();
    if (!invocation.has('r')) {
        HV_TRY(client.set_permissions(top, permissions));
        return 0;
    }
    auto const set_all = [&](StoreView const& store) -> Status {
        auto const paths = HV_TRY(subtree(store, top));
        for (auto const& path : paths) HV_TRY(store.set_permissions(path, permissions));
        return {};
    };
    HV_TRY(client.transact(set_all));
    return 0;
}

}  // namespace hospes::xenstore::tools
