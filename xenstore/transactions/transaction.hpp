// SPDX-License-Identifier: Apache-2.0
// An open transaction: a version of the tree of its own, a log of what it changed there, and what it has seen.
//
// Commit: if nobody else has changed the tree since, the transaction's version becomes the current one. Otherwise it must
// find what it has seen unchanged in the current version, and its log is carried out there once more. So two transactions
// that write side by side both succeed, and one that acted on what is no longer true fails with EAGAIN.
#pragma once

#include "xenstore/transactions/read_set.hpp"

namespace hospes::xenstore {

class Transaction {
public:
    explicit Transaction(Tree const& current) : base_{current}, view_{current}, seen_{base_} {}
    Transaction(Transaction const&) = delete;
    Transaction& operator=(Transaction const&) = delete;

    // Like the functions of the same names in tree/operations.hpp, in this transaction's view. ENOSPC: more nodes looked at
    // or changed than the quota allows; ENOMEM: the log is too long. A change that a quota has refused dooms the transaction.
    WireResult<Node const*> look_up(Path const& path, Aspects wanted, Context const& context);
    WireResult<void> apply(Operation operation, Context const& context);

    // Makes the changes part of `current`; returns them, one for each node. EAGAIN: conflict, `current` is as it was;
    // ENOSPC, ENOMEM: a change was refused before, so this would be half of what was meant.
    // `may_own` says whether a domain can be made an owner (it may have died since it was named).
    template <typename MayOwn>
    WireResult<Changes> commit(Tree& current, Context const& context, MayOwn may_own);

    usize bytes() const { return seen_.bytes() + log_bytes_; }
    Tree const& view() const { return view_; }

private:
    std::optional<WireError> over_quota(Context const& context) const;
    std::unexpected<WireError> refuse(WireError error);
    WireResult<Changes> merge_into(Tree& current, Context const& context);

    Tree const base_;
    Tree view_;
    ReadSet seen_;
    std::vector<Operation> log_;
    Changes changes_;                   // what the log did to view_
    usize log_bytes_ = 0;               // of both
    std::optional<WireError> refused_;  // by a quota
};

template <typename MayOwn>
WireResult<Changes> Transaction::commit(Tree& current, Context const& context, MayOwn may_own) {
    if (refused_) return std::unexpected{*refused_};
    for (auto const& operation : log_) {
        if (operation.kind == Operation::Kind::set_perms && !may_own(operation.permissions.front().domain)) return std::unexpected{WireError::again};
    }
    if (!current.is_same_version(base_)) return merge_into(current, context);
    current = std::move(view_);
    coalesce(changes_);
    return std::move(changes_);
}

}  // namespace hospes::xenstore
