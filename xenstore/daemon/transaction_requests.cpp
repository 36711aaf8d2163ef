// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/requests.hpp"
#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore::requests {

WireResult<std::string> transaction_start(Request& request) {
    auto& client = request.client;
    auto const& quotas = request.server.quotas();
    if (request.transaction) return std::unexpected{WireError::busy};
    if (!client.caller().is_privileged) {
        if (client.transaction_count() >= quotas.transactions) return std::unexpected{WireError::no_space};
        if (client.transaction_bytes() >= quotas.memory_hard) return std::unexpected{WireError::no_memory};
    }
    std::string reply;
    append_string(reply, std::to_string(client.open_transaction(request.server.tree())));
    return reply;
}

// Whatever the answer, but for a malformed request, the transaction is over.
WireResult<std::string> transaction_end(Request& request) {
    if (!request.transaction) return std::unexpected{WireError::not_found};
    auto const verdict = single_string(request.payload);
    if (verdict != "T" && verdict != "F") return std::unexpected{WireError::invalid};

    WireResult<Changes> changes;
    if (verdict == "T") {
        auto const may_own = [&](DomId domain) { return request.server.domains().exists(domain); };
        changes = request.transaction->commit(request.server.tree(), request.context(), may_own);
    }
    request.client.close_transaction(request.header.transaction);
    if (!changes) return std::unexpected{changes.error()};
    request.server.fire(*changes);
    return ok();
}

}  // namespace hospes::xenstore::requests
