// SPDX-License-Identifier: Apache-2.0
// Who wants to hear of which path. Finding the watches that a change concerns costs one look-up for each component of the
// path, however many watches there are.
#pragma once

#include "xenstore/tree/change.hpp"
#include "xenstore/wire/error_name.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hospes::xenstore {

// Names one connection for as long as the server runs; never used twice.
using ConnectionId = Id<struct ConnectionIdTag, u64>;

struct WatchEntry {
    ConnectionId connection;
    std::string name;          // as the client gave it: the key it removes the watch by
    std::string token;         // the client's own, sent back with each event
    std::string path;          // absolute, or special ("@...")
    usize cut = 0;             // bytes at the start of an absolute path that events leave out, for a relative watch
    std::optional<u32> depth;  // how many levels below `path` it reports; none: all

    std::string_view event_path(std::string_view changed) const { return changed.substr(cut); }
};

class WatchIndex {
public:
    // EEXIST: the connection has a watch of that name and token already.
    WireResult<void> add(WatchEntry entry);
    // ENOENT: it has none.
    WireResult<void> remove(ConnectionId connection, std::string_view name, std::string_view token);
    void remove_all(ConnectionId connection);

    usize count(ConnectionId connection) const;
    // A connection's watches in the order of their registration.
    std::vector<WatchEntry const*> of(ConnectionId connection) const;

    // The watches that a change of `path` concerns, from those on the path itself up to those on the root.
    std::vector<WatchEntry const*> concerned(std::string_view path, Change::Reach reach) const;

private:
    using Entries = std::vector<std::shared_ptr<WatchEntry const>>;
    struct Hash {
        using is_transparent = void;
        usize operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };

    void unlink(WatchEntry const& entry);

    std::unordered_map<std::string, Entries, Hash, std::equal_to<>> by_path_;
    std::map<ConnectionId, Entries> by_connection_;
};

}  // namespace hospes::xenstore
