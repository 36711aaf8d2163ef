// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transport/output_queue.hpp"

#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore {

namespace {

std::string assemble(Header header, std::string_view payload) {
    header.length = static_cast<u32>(payload.size());
    auto const encoded = encode(header);
    std::string bytes;
    bytes.reserve(encoded.size() + payload.size());
    return bytes.append(encoded.data(), encoded.size()).append(payload);
}

}  // namespace

void OutputQueue::push(Outgoing message) {
    bool const was_empty = messages_.empty();
    bytes_ += message.bytes.size();
    messages_.push_back(std::move(message));
    if (was_empty && on_ready) on_ready();
    if (bytes_ > bound && on_excess) on_excess();
}

void OutputQueue::push_reply(Header header, std::string_view payload) { push({assemble(header, payload), false}); }

bool OutputQueue::push_event(std::string_view path, std::string_view token, usize limit) {
    std::string payload;
    append_string(payload, path);
    append_string(payload, token);
    if (payload.size() > kPayloadMax) return true;  // cannot be expressed: the protocol's own limit
    auto bytes = assemble({.type = MessageType::watch_event}, payload);
    bool const may_merge = !path.starts_with('@');
    if (may_merge && waiting_events_.contains(bytes)) return true;
    if (event_count_ >= limit) return false;
    ++event_count_;
    push({std::move(bytes), true});
    if (may_merge) waiting_events_.insert(messages_.back().bytes);
    return true;
}

void OutputQueue::pop(usize count) {
    bytes_ -= count;
    while (count > 0) {
        auto& first = messages_.front();
        if (first.is_event && sent_ == 0) waiting_events_.erase(first.bytes);
        auto const rest = first.bytes.size() - sent_;
        if (count < rest) {
            sent_ += count;
            return;
        }
        count -= rest;
        sent_ = 0;
        if (first.is_event) --event_count_;
        messages_.pop_front();
    }
}

std::string OutputQueue::take(usize enough) {
    std::string bytes;
    while (!messages_.empty() && bytes.size() < enough) {
        auto const first = front();
        bytes.append(first);
        pop(first.size());
    }
    return bytes;
}

void OutputQueue::clear() {
    waiting_events_.clear();
    messages_.clear();
    event_count_ = sent_ = bytes_ = 0;
}

}  // namespace hospes::xenstore
