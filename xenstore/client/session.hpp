// SPDX-License-Identifier: Apache-2.0
// One client connection: sends a request and waits for its reply, keeps the watch events that arrive in between, and
// hands them to callbacks when the owner of the descriptor asks for it.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"
#include "xenstore/client/channel.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hospes::xenstore {

// Called with the path that changed: the watched one or one below it, relative if the watch was.
using WatchCallback = std::function<void(std::string_view path)>;

// What is asked of the server, but for the transaction.
struct Question {
    MessageType type;
    std::string payload;
};

class Session {
public:
    static Result<std::shared_ptr<Session>> over(std::unique_ptr<Channel> channel);
    // Use over().
    Session(std::unique_ptr<Channel> channel, UniqueFd poll, UniqueFd wake)
        : channel_{std::move(channel)}, poll_{std::move(poll)}, wake_{std::move(wake)} {}

    // Sends a request and returns the payload of its reply. A refusal has the errno value that the server named;
    // ECONNRESET or EPROTO mean that the session is over.
    Result<std::string> call(MessageType type, TransactionId transaction, std::string_view payload);

    // The same for many: all are sent before the first reply is waited for, so that the server is woken once and not once
    // for each. Replies in the order of the questions; that one is refused does not stop the others.
    std::vector<Result<std::string>> call_all(TransactionId transaction, std::span<Question const> questions);

    // Registers a watch; returns the token that remove_watch() takes.
    Result<std::string> add_watch(std::string_view path, WatchCallback callback);
    void remove_watch(std::string_view path, std::string const& token);

    // Readable when dispatch() has something to do.
    int fd() const { return poll_.get(); }
    // Calls the callbacks of all events that have arrived; never waits.
    Status dispatch();

private:
    Status ask(TransactionId transaction, std::span<Question const> questions);
    Result<std::string> wait_for_reply(MessageType type, u32 request_id);
    void keep_event(Message message);
    void deliver(Message const& message);
    void leave_rest_to_dispatch();
    void set_wake(bool awake);

    std::unique_ptr<Channel> channel_;
    UniqueFd poll_;  // an epoll descriptor over the channel and wake_
    UniqueFd wake_;  // an eventfd, readable while events_ is not empty
    bool is_awake_ = false;
    u32 next_request_ = 1;
    u32 next_token_ = 1;
    std::deque<Message> events_;
    std::map<std::string, std::shared_ptr<WatchCallback>, std::less<>> watches_;  // by token
};

}  // namespace hospes::xenstore
