// SPDX-License-Identifier: Apache-2.0
// A client that speaks to a server in bytes and shows the answers as text, so that a test can be read like a transcript.
#pragma once

#include "xenstore/daemon/messages.hpp"
#include "xenstore/daemon/server.hpp"
#include "xenstore/testing/memory_store.hpp"
#include "xenstore/wire/strings.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace hospes::xenstore {

class RawClient {
public:
    explicit RawClient(MemoryStore& store, DomId domain = kDomIdDom0)
        : server_{store.server()},
          connection_{server_.add_connection({.domain = domain, .target = {}, .is_privileged = domain == kDomIdDom0}, "raw")} {
        if (domain != kDomIdDom0) store.host().add(domain);
    }

    // Sends a request; `payload` is written with '|' for each NUL.
    // Returns all that came, oldest first: "READ 1|", "ERROR ENOENT|", "EVENT /a|token|".
    std::vector<std::string> ask(MessageType type, std::string_view payload, TransactionId transaction = 0) {
        std::string bytes{payload};
        for (auto& c : bytes) c = c == '|' ? '\0' : c;
        server_.handle(connection_, {.type = type, .request_id = 9, .transaction = transaction, .length = static_cast<u32>(bytes.size())}, bytes);
        return fetch();
    }
    // The same if there is nothing but the reply.
    std::string reply(MessageType type, std::string_view payload, TransactionId transaction = 0) {
        auto const all = ask(type, payload, transaction);
        return all.size() == 1 ? all.front() : fmt::format("{} messages", all.size());
    }
    TransactionId begin() {
        auto const text = reply(MessageType::transaction_start, "|");
        auto const digits = text.substr(text.find(' ') + 1);
        return parse_number<TransactionId>(digits.substr(0, digits.size() - 1)).value_or(0);
    }

    std::vector<std::string> fetch() {
        std::vector<std::string> messages;
        auto& output = connection_.output();
        while (!output.empty()) {
            auto const bytes = std::string{output.front()};
            output.pop(bytes.size());
            messages.push_back(shown(bytes));
        }
        return messages;
    }
    Connection& connection() { return connection_; }

private:
    static std::string shown(std::string const& bytes) {
        auto const header = decode(std::span<char const, kHeaderSize>{bytes.data(), kHeaderSize});
        auto payload = bytes.substr(kHeaderSize);
        for (auto& c : payload) c = c == '\0' ? '|' : c;
        return fmt::format("{} {}", header.type == MessageType::watch_event ? "EVENT" : name_of(header.type), payload);
    }

    Server& server_;
    Connection& connection_;
};

}  // namespace hospes::xenstore
