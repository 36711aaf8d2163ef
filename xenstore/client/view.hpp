// SPDX-License-Identifier: Apache-2.0
// The operations on nodes, either outside of any transaction or inside one: code that takes a StoreView does not care.
// Inside one, nothing is seen by others before the commit, so changes are gathered and sent together, at the latest with the next
// operation that needs an answer or with the commit: the error of a change that is refused may come that late.
#pragma once

#include "xenstore/client/session.hpp"
#include "xenstore/wire/permission.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hospes::xenstore {

// Paths are absolute, or relative to the caller's own /local/domain/<domid>. Errors carry the errno value that the server
// named: ENOENT no such node, EACCES no permission, EINVAL bad path, ENOSPC quota, EAGAIN a conflict at commit.
class StoreView {
public:
    Result<std::string> read(std::string_view path) const;
    // The value, or nothing if there is no such node.
    Result<std::optional<std::string>> read_if_present(std::string_view path) const;
    // The same for many nodes, asked for all at once.
    Result<std::vector<std::optional<std::string>>> read_all(std::span<std::string const> paths) const;
    Result<bool> exists(std::string_view path) const;
    // Creates the node and what is missing above it.
    Status write(std::string_view path, std::string_view value) const;
    // Creates the node with an empty value; one that exists stays as it is.
    Status mkdir(std::string_view path) const;
    // Removes the node and all below it. No error if only the node itself is missing.
    Status remove(std::string_view path) const;
    // The names of the children, sorted.
    Result<std::vector<std::string>> directory(std::string_view path) const;
    Result<Permissions> permissions(std::string_view path) const;
    Status set_permissions(std::string_view path, Permissions const& permissions) const;

protected:
    StoreView(std::shared_ptr<Session> session, TransactionId transaction)
        : session_{std::move(session)}, transaction_{transaction} {}

    // Sends the strings, each with its NUL, behind what was gathered.
    Result<std::string> call(MessageType type, std::initializer_list<std::string_view> strings) const;
    // The first refusal of what was gathered.
    Status send_gathered() const;
    void drop_gathered() const { gathered_->clear(); }
    Session& session() const { return *session_; }
    std::shared_ptr<Session> const& shared_session() const { return session_; }

private:
    Status change(MessageType type, std::string payload) const;
    Result<std::string> long_directory(std::string_view path) const;
    Result<std::optional<std::string>> try_long_directory(std::string_view path) const;

    std::shared_ptr<Session> session_;
    TransactionId transaction_;
    std::shared_ptr<std::vector<Question>> gathered_ = std::make_shared<std::vector<Question>>();
};

}  // namespace hospes::xenstore
