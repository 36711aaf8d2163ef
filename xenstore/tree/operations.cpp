// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/operations.hpp"

namespace hospes::xenstore {

namespace {

void tell(Context const& context, std::string_view path, Aspects aspects) {
    if (context.observer) context.observer->saw(path, aspects);
}

// Who is refused access, or finds nothing, learns no more than he may read: "missing" is an answer only below a node to
// which the caller has the access that he asked for.
std::optional<WireError> refusal(Lookup const& found, Path const& path, Access wanted, Context const& context) {
    auto const& caller = context.caller;
    if (caller.is_privileged) {
        if (!found.node) return WireError::not_found;
        return std::nullopt;
    }
    if (!found.node) tell(context, found.first_missing, Aspects::existence);
    tell(context, found.node ? std::string_view{path.text()} : found.parent_path, Aspects::permissions);
    if (!may(caller, wanted, *found.nearest().permissions)) return WireError::no_access;
    if (!found.node) return WireError::not_found;
    return std::nullopt;
}

// Whether `owner` may have `more`; the control domain may always.
std::optional<WireError> over_memory(Tree const& tree, DomId owner, i64 more, Context const& context) {
    if (owner == kDomIdDom0 || more <= 0) return std::nullopt;
    if (tree.ledger().of(owner).bytes + more > context.quotas.memory_hard) return WireError::no_memory;
    return std::nullopt;
}

bool is_node_too_big(usize value_size, usize permission_count, Quotas const& quotas) {
    return value_size + permission_count * sizeof(Permission) > quotas.node_size;
}

std::optional<WireError> over_quota_to_set(Tree const& tree, Node const& node, usize value_size, Context const& context) {
    if (context.caller.is_privileged) return std::nullopt;
    if (is_node_too_big(value_size, node.permissions->size(), context.quotas)) return WireError::no_space;
    return over_memory(tree, node.owner(), static_cast<i64>(value_size) - static_cast<i64>(node.value.size()), context);
}

std::optional<WireError> over_quota_to_create(Tree const& tree, Lookup const& found, Path const& path, usize value_size, Context const& context) {
    if (context.caller.is_privileged) return std::nullopt;
    auto const permission_count = found.parent->permissions->size();
    if (is_node_too_big(value_size, permission_count, context.quotas)) return WireError::no_space;
    auto const owner = context.caller.domain;
    if (tree.ledger().of(owner).nodes + static_cast<i64>(found.missing) > context.quotas.nodes) return WireError::no_space;
    auto const bytes = found.missing * (sizeof(Node) + permission_count * sizeof(Permission)) + path.text().size() + value_size;
    return over_memory(tree, owner, static_cast<i64>(bytes), context);
}

WireResult<Changes> write_or_mkdir(Tree& tree, Operation const& operation, Context const& context) {
    bool const is_write = operation.kind == Operation::Kind::write;
    auto const& [kind, path, value, permissions] = operation;
    auto const found = tree.find(path);
    auto const refused = refusal(found, path, Access::write, context);
    if (refused && *refused != WireError::not_found) return std::unexpected{*refused};
    if (found.node && !is_write) return Changes{};
    if (found.node) {
        if (auto const over = over_quota_to_set(tree, *found.node, value.size(), context)) return std::unexpected{*over};
        return Changes{tree.set_value(path, value)};
    }
    if (auto const over = over_quota_to_create(tree, found, path, value.size(), context)) return std::unexpected{*over};
    auto const owner = context.caller.is_privileged ? std::nullopt : std::optional{context.caller.domain};
    return Changes{tree.create(path, value, owner)};
}

WireResult<Changes> rm(Tree& tree, Path const& path, Context const& context) {
    auto const found = tree.find(path);
    auto const refused = refusal(found, path, Access::write, context);
    if (refused && *refused != WireError::not_found) return std::unexpected{*refused};
    if (path.is_root()) return std::unexpected{WireError::invalid};
    tell(context, path.parent().text(), Aspects::existence);
    if (found.node) return tree.remove(path);
    if (found.missing == 1) return Changes{};
    return std::unexpected{WireError::not_found};
}

WireResult<Changes> set_perms(Tree& tree, Operation const& operation, Context const& context) {
    auto const& caller = context.caller;
    auto const& path = operation.path;
    auto const found = tree.find(path);
    tell(context, path.text(), Aspects::existence);
    if (auto const refused = refusal(found, path, Access::write, context)) return std::unexpected{*refused};
    if (!is_owner(caller, *found.node->permissions)) return std::unexpected{WireError::no_access};
    if (!caller.is_privileged) {
        auto const count = operation.permissions.size();
        if (operation.permissions.front().domain != found.node->owner()) return std::unexpected{WireError::not_permitted};
        if (count > context.quotas.permissions) return std::unexpected{WireError::no_space};
        if (is_node_too_big(found.node->value.size(), count, context.quotas)) return std::unexpected{WireError::no_space};
        auto const more = static_cast<i64>(count * sizeof(Permission)) - static_cast<i64>(found.node->permissions->size() * sizeof(Permission));
        if (auto const over = over_memory(tree, found.node->owner(), more, context)) return std::unexpected{*over};
    }
    return Changes{tree.set_permissions(path, operation.permissions)};
}

}  // namespace

WireResult<Node const*> look_up(Tree const& tree, Path const& path, Aspects wanted, Context const& context) {
    tell(context, path.text(), wanted | Aspects::existence);
    auto const found = tree.find(path);
    if (auto const refused = refusal(found, path, Access::read, context)) return std::unexpected{*refused};
    return found.node;
}

WireResult<Changes> apply(Tree& tree, Operation const& operation, Context const& context) {
    switch (operation.kind) {
        case Operation::Kind::write:
        case Operation::Kind::mkdir: return write_or_mkdir(tree, operation, context);
        case Operation::Kind::rm: return rm(tree, operation.path, context);
        case Operation::Kind::set_perms: return set_perms(tree, operation, context);
    }
    std::unreachable();
}

}  // namespace hospes::xenstore
