// SPDX-License-Identifier: Apache-2.0
// A request that is being carried out.
#pragma once

#include "xenstore/daemon/server.hpp"

#include <optional>

namespace hospes::xenstore {

struct Request {
    Server& server;
    Connection& client;
    Header const& header;
    std::string_view payload;
    Transaction* transaction;                       // the one it belongs to, or null
    std::optional<WatchEntry> follow_up = {};       // its first event follows the reply

    Context context() const { return {client.caller(), server.quotas()}; }
};

// The answer of a request that returns nothing but success.
inline std::string ok() { return {"OK\0", 3}; }

}  // namespace hospes::xenstore
