// SPDX-License-Identifier: Apache-2.0
// One client of the server: who it is, its open transactions, and what waits to be sent to it. Nothing in it depends on
// how the client is reached.
#pragma once

#include "xenstore/transactions/transaction.hpp"
#include "xenstore/transport/receiver.hpp"
#include "xenstore/watches/watch_index.hpp"

#include <map>
#include <memory>

namespace hospes::xenstore {

class Server;

class Connection final : public Receiver {
public:
    Connection(Server& server, ConnectionId id, Caller caller, std::string name);

    bool may_receive() const override;
    void receive(Header const& header, std::string_view payload) override;
    void reset() override;
    OutputQueue& output() override { return output_; }
    std::string const& name() const override { return name_; }

    ConnectionId id() const { return id_; }
    Caller const& caller() const { return caller_; }
    void set_target(std::optional<DomId> target) { caller_.target = target; }
    // What relative paths are relative to.
    std::string const& home() const { return home_; }

    // The open transaction of that number, or null.
    Transaction* transaction(TransactionId id);
    TransactionId open_transaction(Tree const& current);
    void close_transaction(TransactionId id) { transactions_.erase(id); }
    void close_all_transactions() { transactions_.clear(); }
    usize transaction_count() const { return transactions_.size(); }
    // Bytes of the logs of all open transactions.
    usize transaction_bytes() const;

    void send_reply(Header const& request, std::string_view payload);
    void send_error(Header const& request, WireError error);
    void send_event(WatchEntry const& watch, std::string_view changed);

private:
    Server& server_;
    ConnectionId id_;
    Caller caller_;
    std::string name_;
    std::string home_;
    OutputQueue output_;
    std::map<TransactionId, std::unique_ptr<Transaction>> transactions_;
    TransactionId next_transaction_ = 1;
    bool has_lost_events_ = false;
};

// "/local/domain/<domid>"
std::string home_of(DomId domain);

}  // namespace hospes::xenstore
