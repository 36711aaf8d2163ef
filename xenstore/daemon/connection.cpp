// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/connection.hpp"

#include "xenstore/daemon/server.hpp"
#include "xenstore/wire/strings.hpp"

#include <spdlog/spdlog.h>

#include <limits>

namespace hospes::xenstore {

std::string home_of(DomId domain) { return "/local/domain/" + std::to_string(domain.raw()); }

Connection::Connection(Server& server, ConnectionId id, Caller caller, std::string name)
    : server_{server}, id_{id}, caller_{caller}, name_{std::move(name)}, home_{home_of(caller.domain)} {}

bool Connection::may_receive() const { return caller_.is_privileged || output_.size() < server_.quotas().outstanding; }

void Connection::receive(Header const& header, std::string_view payload) { server_.handle(*this, header, payload); }

void Connection::reset() {
    server_.watches().remove_all(id_);
    close_all_transactions();
    output_.clear();
}

Transaction* Connection::transaction(TransactionId id) {
    auto const found = transactions_.find(id);
    return found == transactions_.end() ? nullptr : found->second.get();
}

TransactionId Connection::open_transaction(Tree const& current) {
    while (next_transaction_ == 0 || transactions_.contains(next_transaction_)) ++next_transaction_;
    transactions_.emplace(next_transaction_, std::make_unique<Transaction>(current));
    return next_transaction_++;
}

usize Connection::transaction_bytes() const {
    usize bytes = 0;
    for (auto const& [id, transaction] : transactions_) bytes += transaction->bytes();
    return bytes;
}

void Connection::send_reply(Header const& request, std::string_view payload) {
    output_.push_reply(request, payload);
    server_.trace().record(caller_.domain, "<-", request, payload);
}

void Connection::send_error(Header const& request, WireError error) {
    auto reply = request;
    reply.type = MessageType::error;
    std::string payload;
    append_string(payload, name_of(error));
    output_.push_reply(reply, payload);
    server_.trace().record(caller_.domain, "<-", reply, payload);
}

void Connection::send_event(WatchEntry const& watch, std::string_view changed) {
    auto const limit = caller_.is_privileged ? std::numeric_limits<usize>::max() : server_.quotas().pending_events;
    bool const is_kept = output_.push_event(watch.event_path(changed), watch.token, limit);
    if (!is_kept && !std::exchange(has_lost_events_, true)) {
        spdlog::warn("{}: {} watch events wait to be fetched; further ones are dropped", name_, limit);
    }
    if (is_kept) server_.trace().record(caller_.domain, "<-", {.type = MessageType::watch_event}, watch.event_path(changed));
}

}  // namespace hospes::xenstore
