// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/server.hpp"

#include "xenstore/daemon/messages.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace hospes::xenstore {

Server::Server(DomainHost& host, Quotas quotas) : quotas_{quotas}, domains_{*this, host} {
    for (auto const name : {kIntroduceDomain, kReleaseDomain}) specials_.emplace(name, private_to(kDomIdDom0));
}

Connection& Server::add_connection(Caller caller, std::string name) {
    ConnectionId const id{next_connection_++};
    auto& place = connections_[id];
    place = std::make_unique<Connection>(*this, id, caller, std::move(name));
    spdlog::debug("{}: connected", place->name());
    return *place;
}

void Server::remove_connection(ConnectionId id) {
    watches_.remove_all(id);
    spdlog::debug("{}: gone", connections_.at(id)->name());
    connections_.erase(id);
}

void Server::handle(Connection& client, Header const& header, std::string_view payload) {
    trace_.record(client.caller().domain, "->", header, payload);
    Request request{*this, client, header, payload, nullptr};
    auto const answer = carry_out(request);
    if (!answer) return client.send_error(header, answer.error());
    client.send_reply(header, *answer);
    if (request.follow_up) client.send_event(*request.follow_up, request.follow_up->path);
}

// The order of the checks is part of the protocol: type, privilege, transaction, and only then the arguments.
WireResult<std::string> Server::carry_out(Request& request) {
    auto const* row = find_message(request.header.type);
    auto const& caller = request.client.caller();
    if (!row) return std::unexpected{WireError::unsupported};
    if (row->privilege == Privilege::privileged && !caller.is_privileged) return std::unexpected{WireError::no_access};
    if (row->transaction == TransactionUse::honoured && request.header.transaction != 0) {
        request.transaction = request.client.transaction(request.header.transaction);
        if (!request.transaction) return std::unexpected{WireError::not_found};
    }
    auto answer = row->handle(request);
    if (answer && answer->size() > kPayloadMax) return std::unexpected{WireError::too_big};
    warn_of_memory(request.client);
    return answer;
}

void Server::warn_of_memory(Connection const& client) {
    if (client.caller().is_privileged) return;
    auto const domain = client.caller().domain;
    bool const is_above = tree_.ledger().of(domain).bytes > quotas_.memory_soft;
    if (is_above && warned_.insert(domain).second) {  // once a domain: it can go below and above again and again
        spdlog::warn("domain {}: its nodes take more than {} bytes (soft quota)", domain.raw(), quotas_.memory_soft);
    }
}

void Server::fire(Changes const& changes) {
    for (auto const& change : changes) {
        for (auto const* watch : watches_.concerned(change.path, change.reach)) {
            auto& client = *connections_.at(watch->connection);
            if (may_hear_of(change, client.caller())) client.send_event(*watch, change.path);
        }
    }
}

void Server::fire_special(std::string_view name) {
    auto const& permissions = specials_.find(name)->second;
    for (auto const* watch : watches_.concerned(name, Change::Reach::node_only)) {
        auto& client = *connections_.at(watch->connection);
        if (may(client.caller(), Access::read, permissions)) client.send_event(*watch, name);
    }
}

Permissions* Server::special_permissions(std::string_view name) {
    auto const found = specials_.find(name);
    return found == specials_.end() ? nullptr : &found->second;
}

namespace {

// The list without the domain's entries; an owner that goes is followed by the control domain.
Permissions without(Permissions list, DomId domain) {
    if (list.front().domain == domain) list.front() = {kDomIdDom0, Access::none};
    list.erase(std::remove_if(list.begin() + 1, list.end(), [&](auto const& entry) { return entry.domain == domain; }), list.end());
    return list;
}

bool names(Permissions const& list, DomId domain) {
    return std::ranges::any_of(list, [&](auto const& entry) { return entry.domain == domain; });
}

}  // namespace

void Server::forget_domain(DomId domain) {
    auto const is_owned = [&](Node const& node) { return node.owner() == domain && &node != &tree_.root(); };
    for (auto const& path : tree_.select(is_owned, Tree::Below::skip)) fire(tree_.remove(path));

    auto const is_named = [&](Node const& node) { return names(*node.permissions, domain); };
    for (auto const& path : tree_.select(is_named, Tree::Below::look)) {
        tree_.set_permissions(path, without(*tree_.find(path).node->permissions, domain));
    }
    for (auto& [name, permissions] : specials_) permissions = without(std::move(permissions), domain);
    for (auto const& [id, connection] : connections_) {
        if (connection->caller().target == domain) connection->set_target(std::nullopt);
    }
    warned_.erase(domain);
}

}  // namespace hospes::xenstore
