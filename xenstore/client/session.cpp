// SPDX-License-Identifier: Apache-2.0
#include "xenstore/client/session.hpp"

#include "xenstore/wire/error_name.hpp"
#include "xenstore/wire/strings.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace hospes::xenstore {

namespace {

Status add_to(int poll, int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("xenstore client: epoll_ctl");
    return {};
}

// What a refused request was about: its first string.
std::string_view subject(std::string_view payload) { return payload.substr(0, payload.find('\0')); }

}  // namespace

Result<std::shared_ptr<Session>> Session::over(std::unique_ptr<Channel> channel) {
    UniqueFd poll{::epoll_create1(EPOLL_CLOEXEC)};
    UniqueFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!poll || !wake) return fail_errno("xenstore client");
    HV_TRY(add_to(poll.get(), wake.get()));
    HV_TRY(add_to(poll.get(), channel->fd()));
    return std::make_shared<Session>(std::move(channel), std::move(poll), std::move(wake));
}

Result<std::string> Session::call(MessageType type, TransactionId transaction, std::string_view payload) {
    if (payload.size() > kPayloadMax) {
        return fail(E2BIG, "xenstore: a request of {} bytes for {}; {} is the limit", payload.size(), subject(payload), kPayloadMax);
    }
    Header const request{.type = type, .request_id = next_request_++, .transaction = transaction};
    HV_TRY(channel_->send(request, payload));
    auto reply = wait_for_reply(type, request.request_id);
    leave_rest_to_dispatch();
    return with_context(std::move(reply), "xenstore {}", subject(payload));
}

Status Session::ask(TransactionId transaction, std::span<Question const> questions) {
    std::vector<Message> messages;
    messages.reserve(questions.size());
    for (auto const& [type, payload] : questions) {
        messages.push_back({{.type = type, .request_id = next_request_++, .transaction = transaction}, payload});
    }
    return channel_->send_all(messages);
}

// In portions: neither side is to wait with its buffers full.
std::vector<Result<std::string>> Session::call_all(TransactionId transaction, std::span<Question const> questions) {
    constexpr usize kAtOnce = 32;
    std::vector<Result<std::string>> replies;
    replies.reserve(questions.size());
    while (replies.size() < questions.size()) {
        auto const portion = questions.subspan(replies.size(), std::min(kAtOnce, questions.size() - replies.size()));
        auto id = next_request_;
        auto const sent = ask(transaction, portion);
        for (auto const& [type, payload] : portion) {
            auto reply = sent ? wait_for_reply(type, id++) : Result<std::string>{std::unexpected{sent.error()}};
            replies.push_back(with_context(std::move(reply), "xenstore {}", subject(payload)));
        }
    }
    leave_rest_to_dispatch();
    return replies;
}

Result<std::string> Session::wait_for_reply(MessageType type, u32 request_id) {
    while (true) {
        auto message = HV_TRY(channel_->receive(Wait::yes));
        if (!message) return fail(EPROTO, "no reply");
        if (message->header.type == MessageType::watch_event) {
            keep_event(std::move(*message));
            continue;
        }
        if (message->header.request_id != request_id) return fail(EPROTO, "a reply to another request");
        if (message->header.type == type) return std::move(message->payload);
        if (message->header.type != MessageType::error) return fail(EPROTO, "a reply of another type");
        auto const code = static_cast<int>(error_named(subject(message->payload)));
        return fail(code, "{}", std::strerror(code));
    }
}

Result<std::string> Session::add_watch(std::string_view path, WatchCallback callback) {
    auto token = fmt::format("w{}", next_token_++);
    // Known before the request goes out: the first event may be here before the reply.
    watches_.emplace(token, std::make_shared<WatchCallback>(std::move(callback)));
    std::string payload;
    append_string(payload, path);
    append_string(payload, token);
    auto const reply = call(MessageType::watch, 0, payload);
    if (reply) return token;
    watches_.erase(token);
    return std::unexpected{reply.error()};
}

void Session::remove_watch(std::string_view path, std::string const& token) {
    watches_.erase(token);
    std::string payload;
    append_string(payload, path);
    append_string(payload, token);
    // It fails only if the connection is lost, and then the watch is gone as well; the next call or dispatch() says so.
    (void)call(MessageType::unwatch, 0, payload);
}

void Session::keep_event(Message message) {
    events_.push_back(std::move(message));
    set_wake(true);
}

// An event may have come in one piece with the last reply.
void Session::leave_rest_to_dispatch() {
    if (channel_->has_buffered()) set_wake(true);
}

Status Session::dispatch() {
    while (true) {
        while (!events_.empty()) {
            auto const message = std::move(events_.front());
            events_.pop_front();
            deliver(message);
        }
        set_wake(false);
        auto message = HV_TRY(channel_->receive(Wait::no));
        if (!message) return {};
        if (message->header.type == MessageType::watch_event) events_.push_back(std::move(*message));
    }
}

void Session::deliver(Message const& message) {
    auto rest = std::string_view{message.payload};
    auto const path = take_string(rest);
    auto const token = take_string(rest);
    if (!path || !token) return;
    auto const found = watches_.find(*token);
    if (found == watches_.end()) return;  // removed while its event was under way
    auto const callback = found->second;  // stays alive even if the callback removes its own watch
    (*callback)(*path);
}

void Session::set_wake(bool awake) {
    if (awake == is_awake_) return;
    is_awake_ = awake;
    u64 count = 1;
    // Neither can fail: the counter is 0 before the write and 1 before the read.
    if (awake) {
        [[maybe_unused]] auto const written = ::write(wake_.get(), &count, sizeof count);
    } else {
        [[maybe_unused]] auto const read = ::read(wake_.get(), &count, sizeof count);
    }
}

}  // namespace hospes::xenstore
