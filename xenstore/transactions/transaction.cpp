// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transactions/transaction.hpp"

#include <iterator>

namespace hospes::xenstore {

std::optional<WireError> Transaction::over_quota(Context const& context) const {
    if (context.caller.is_privileged) return std::nullopt;
    if (seen_.size() + log_.size() >= context.quotas.transaction_nodes) return WireError::no_space;
    if (bytes() >= context.quotas.memory_hard) return WireError::no_memory;
    return std::nullopt;
}

std::unexpected<WireError> Transaction::refuse(WireError error) {
    if (error == WireError::no_space || error == WireError::no_memory) refused_ = error;
    return std::unexpected{error};
}

WireResult<Node const*> Transaction::look_up(Path const& path, Aspects wanted, Context const& context) {
    if (auto const over = over_quota(context)) return std::unexpected{*over};
    return xenstore::look_up(view_, path, wanted, Context{context.caller, context.quotas, &seen_});
}

WireResult<void> Transaction::apply(Operation operation, Context const& context) {
    if (auto const over = over_quota(context)) return refuse(*over);
    auto changes = xenstore::apply(view_, operation, Context{context.caller, context.quotas, &seen_});
    if (!changes) return refuse(changes.error());
    // One removal makes as many changes as nodes go, each with its path.
    for (auto const& change : *changes) log_bytes_ += sizeof change + change.path.size();
    std::ranges::move(*changes, std::back_inserter(changes_));
    if (operation.kind == Operation::Kind::write) seen_.wrote(operation.path);
    if (operation.kind == Operation::Kind::rm) seen_.removed(operation.path);
    log_bytes_ += sizeof operation + operation.path.text().size() + operation.value.size();
    log_.push_back(std::move(operation));
    return {};
}

// What the transaction saw is still so, hence its operations have the outcome they had; a quota that others have used up
// meanwhile is the exception, and a reason to try again.
WireResult<Changes> Transaction::merge_into(Tree& current, Context const& context) {
    if (!seen_.holds_in(current)) return std::unexpected{WireError::again};
    Tree merged = current;
    Changes changes;
    for (auto const& operation : log_) {
        auto step = xenstore::apply(merged, operation, Context{context.caller, context.quotas});
        if (!step) return std::unexpected{WireError::again};
        std::ranges::move(*step, std::back_inserter(changes));
    }
    current = std::move(merged);
    coalesce(changes);
    return changes;
}

}  // namespace hospes::xenstore
