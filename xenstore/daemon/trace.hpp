// SPDX-License-Identifier: Apache-2.0
// The last messages of chosen domains, to see what a stuck device waits for. Off for all domains at start.
#pragma once

#include "hypervisor/base/strong.hpp"
#include "xenstore/wire/message.hpp"

#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace hospes::xenstore {

class Trace {
public:
    static constexpr usize kKeptMessages = 256;  // of each traced domain
    static constexpr usize kKeptBytes = 80;      // of each payload

    void start(DomId domain) { domains_[domain]; }
    void stop(DomId domain) { domains_.erase(domain); }

    // `direction`: "->" to the server, "<-" from it.
    void record(DomId domain, std::string_view direction, Header const& header, std::string_view payload) {
        if (domains_.empty()) return;
        if (auto const lines = domains_.find(domain); lines != domains_.end()) append(lines->second, direction, header, payload);
    }

    // The newest lines of a domain that fit into `limit` bytes, oldest first.
    std::string show(DomId domain, usize limit) const;

private:
    using Lines = std::deque<std::string>;
    void append(Lines& lines, std::string_view direction, Header const& header, std::string_view payload);

    std::map<DomId, Lines> domains_;
    u64 next_number_ = 1;
};

}  // namespace hospes::xenstore
