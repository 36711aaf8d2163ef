// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/requests.hpp"
#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore::requests {

namespace {

// What is to be watched: a special name as it is, or a path.
WireResult<WatchEntry> entry_for(Request const& request, std::string_view name, std::string_view token) {
    WatchEntry entry{.connection = request.client.id(), .name = std::string{name}, .token = std::string{token}, .path = {}, .cut = 0, .depth = {}};
    if (name.starts_with('@')) {
        if (name.size() > kRelativePathMax) return std::unexpected{WireError::invalid};
        entry.path = name;
        return entry;
    }
    auto const path = path_argument(request, name);
    if (!path) return std::unexpected{path.error()};
    entry.path = path->text();
    if (!name.starts_with('/')) entry.cut = request.client.home().size() + 1;
    return entry;
}

}  // namespace

// Arguments: what to watch, a token, and optionally how many levels below are of interest.
WireResult<std::string> watch(Request& request) {
    auto const arguments = split_strings(request.payload);
    if (!arguments || arguments->size() < 2 || arguments->size() > 3) return std::unexpected{WireError::invalid};
    auto& watches = request.server.watches();
    auto const& client = request.client;
    auto entry = entry_for(request, (*arguments)[0], (*arguments)[1]);
    if (!entry) return std::unexpected{entry.error()};
    if (arguments->size() == 3) {
        entry->depth = parse_number<u32>((*arguments)[2]);
        if (!entry->depth) return std::unexpected{WireError::invalid};
    }
    bool const is_full = !client.caller().is_privileged && watches.count(client.id()) >= request.server.quotas().watches;
    if (is_full) return std::unexpected{WireError::no_space};
    if (auto const added = watches.add(*entry); !added) return std::unexpected{added.error()};
    request.follow_up = std::move(*entry);  // so that the client reads the node once at the start
    return ok();
}

WireResult<std::string> unwatch(Request& request) {
    auto const arguments = split_strings(request.payload);
    if (!arguments || arguments->size() != 2) return std::unexpected{WireError::invalid};
    auto const removed = request.server.watches().remove(request.client.id(), (*arguments)[0], (*arguments)[1]);
    if (!removed) return std::unexpected{removed.error()};
    return ok();
}

WireResult<std::string> reset_watches(Request& request) {
    request.server.watches().remove_all(request.client.id());
    request.client.close_all_transactions();
    return ok();
}

}  // namespace hospes::xenstore::requests
