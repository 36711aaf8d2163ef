// SPDX-License-Identifier: Apache-2.0
// What waits to be sent to one client: replies and watch events, in order, as the bytes that go over the wire.
#pragma once

#include "xenstore/wire/message.hpp"

#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>

namespace hospes::xenstore {

class OutputQueue {
public:
    // Called when the queue stops being empty. The queue's owner sends later, from its own turn.
    std::function<void()> on_ready;

    // Called with each message by which more than `bound` bytes wait.
    std::function<void()> on_excess;
    usize bound = std::numeric_limits<usize>::max();

    void push_reply(Header header, std::string_view payload);

    // An event that is waiting already is not queued twice: whoever gets it reads the newest state. Specials ("@...") are
    // counted by their watchers and therefore all kept. Returns false if `limit` events are waiting: this one is lost.
    bool push_event(std::string_view path, std::string_view token, usize limit);

    bool empty() const { return messages_.empty(); }
    usize size() const { return messages_.size(); }
    usize bytes() const { return bytes_; }

    // The bytes to send next: what remains of the first message. The queue must not be empty.
    std::string_view front() const { return std::string_view{messages_.front().bytes}.substr(sent_); }
    // `count` bytes have been sent.
    void pop(usize count);
    // Whole messages to send next, `enough` bytes or somewhat more if so many wait: they have been sent.
    std::string take(usize enough);
    void clear();

private:
    struct Outgoing {
        std::string bytes;
        bool is_event;
    };

    void push(Outgoing message);

    std::deque<Outgoing> messages_;
    std::unordered_set<std::string_view> waiting_events_;  // views into messages_, of those that have not begun to be sent
    usize event_count_ = 0;
    usize sent_ = 0;  // of the first message
    usize bytes_ = 0;
};

}  // namespace hospes::xenstore
