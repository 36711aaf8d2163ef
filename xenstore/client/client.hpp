// SPDX-License-Identifier: Apache-2.0
// A connection to xenstored.
//
//   auto client = HV_TRY(Client::open());
//   auto name = HV_TRY(client.read("/local/domain/5/name"));
//   auto const write_both = [](StoreView const& tx) -> Status {
//       HV_TRY(tx.write("/local/domain/5/a", "1"));
//       return tx.write("/local/domain/5/b", "2");
//   };
//   HV_TRY(client.transact(write_both));                             // all or nothing; tried again on a conflict
//   auto watch = HV_TRY(client.watch("/local/domain/5", [](std::string_view path) { ... }));   // lives as long as `watch`
//   auto events = HV_TRY(watch_client(loop, client, on_lost));       // client/on_event_loop.hpp
//
// One thread. Requests wait for their reply; events are kept meanwhile, and callbacks run in dispatch() only.
#pragma once

#include "xenstore/client/view.hpp"

#include <type_traits>

namespace hospes::xenstore {

// A registered watch; the callback is not called any more once this is destroyed (from within the callback is fine).
class Watch {
public:
    Watch() = default;
    Watch(std::shared_ptr<Session> session, std::string path, std::string token)
        : session_{std::move(session)}, path_{std::move(path)}, token_{std::move(token)} {}
    Watch(Watch&&) noexcept = default;
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { reset(); }

    void reset();
    explicit operator bool() const { return session_ != nullptr; }

private:
    std::shared_ptr<Session> session_;
    std::string path_;
    std::string token_;
};

// How often transact() tries before it gives up with EAGAIN: far beyond what honest concurrency needs.
inline constexpr int kTransactionAttempts = 1000;

class Client : public StoreView {
public:
    // Connects as connect_to_xenstore() says.
    static Result<Client> open();
    // Connects to this socket or device.
    static Result<Client> open(std::string const& path);
    // Speaks over a channel of the caller's, in tests.
    static Result<Client> over(std::unique_ptr<Channel> channel);

    // Runs `body(StoreView const&)` in a transaction and commits it; again from the start if something it depends on has
    // changed meanwhile. `body` returns a Result or Status; its error aborts the transaction and is returned.
    template <typename Body>
    std::invoke_result_t<Body, StoreView const&> transact(Body&& body) const;

    // The callback is called soon after registration, and then after each change of the node or below it.
    // `path` may be "@introduceDomain" or "@releaseDomain".
    Result<Watch> watch(std::string_view path, WatchCallback callback) const;

    // For an event loop: when fd() is readable, call dispatch(). An error means that the connection is lost.
    int fd() const { return session().fd(); }
    Status dispatch() const { return session().dispatch(); }

    // Makes a domain's store ring known: `ring` is the frame of the ring page, `port` the domain's event channel for it.
    Status introduce(DomId domain, Gfn ring, EventPort port) const;
    Status release(DomId domain) const;
    Result<bool> is_introduced(DomId domain) const;
    // Makes the server report the domain's next shutdown again, after a resume.
    Status resume(DomId domain) const;
    // Gives `domain` the rights of `target`.
    Status set_target(DomId domain, DomId target) const;
    // "/local/domain/<domid>", as the server has it.
    Result<std::string> domain_path(DomId domain) const;
    // A command to the server itself ("help" lists them); returns its answer.
    Result<std::string> control(std::vector<std::string> const& words) const;

private:
    class Transaction;
    explicit Client(std::shared_ptr<Session> session) : StoreView{std::move(session), 0} {}
};

// A transaction that is aborted unless it is committed.
class Client::Transaction : public StoreView {
public:
    static Result<Transaction> begin(std::shared_ptr<Session> session);
    Transaction(Transaction&& other) noexcept
        : StoreView{std::move(other)}, is_open_{std::exchange(other.is_open_, false)} {}
    ~Transaction();
    // EAGAIN: a conflict, nothing has changed.
    Status commit();

private:
    Transaction(std::shared_ptr<Session> session, TransactionId id) : StoreView{std::move(session), id} {}
    bool is_open_ = true;
};

template <typename Body>
std::invoke_result_t<Body, StoreView const&> Client::transact(Body&& body) const {
    for (int attempt = 0; attempt < kTransactionAttempts; ++attempt) {
        auto transaction = Transaction::begin(shared_session());
        if (!transaction) return std::unexpected{transaction.error()};
        auto result = body(static_cast<StoreView const&>(*transaction));
        if (!result) return result;
        auto const committed = transaction->commit();
        if (committed) return result;
        if (committed.error().code() != EAGAIN) return std::unexpected{committed.error()};
    }
    return fail(EAGAIN, "xenstore transaction: still in conflict with others after {} attempts", kTransactionAttempts);
}

}  // namespace hospes::xenstore
