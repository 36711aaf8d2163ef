// SPDX-License-Identifier: Apache-2.0
#include "xenstore/watches/watch_index.hpp"

#include <algorithm>

namespace hospes::xenstore {

namespace {

constexpr auto named(std::string_view name, std::string_view token) {
    return [=](auto const& entry) { return entry->name == name && entry->token == token; };
}

}  // namespace

WireResult<void> WatchIndex::add(WatchEntry entry) {
    auto& own = by_connection_[entry.connection];
    if (std::ranges::any_of(own, named(entry.name, entry.token))) return std::unexpected{WireError::exists};
    auto shared = std::make_shared<WatchEntry const>(std::move(entry));
    by_path_[shared->path].push_back(shared);
    own.push_back(std::move(shared));
    return {};
}

WireResult<void> WatchIndex::remove(ConnectionId connection, std::string_view name, std::string_view token) {
    auto const own = by_connection_.find(connection);
    if (own == by_connection_.end()) return std::unexpected{WireError::not_found};
    auto const place = std::ranges::find_if(own->second, named(name, token));
    if (place == own->second.end()) return std::unexpected{WireError::not_found};
    unlink(**place);
    own->second.erase(place);
    return {};
}

void WatchIndex::remove_all(ConnectionId connection) {
    auto const own = by_connection_.find(connection);
    if (own == by_connection_.end()) return;
    for (auto const& entry : own->second) unlink(*entry);
    by_connection_.erase(own);
}

void WatchIndex::unlink(WatchEntry const& entry) {
    auto const entries = by_path_.find(entry.path);
    std::erase_if(entries->second, [&](auto const& other) { return other.get() == &entry; });
    if (entries->second.empty()) by_path_.erase(entries);
}

usize WatchIndex::count(ConnectionId connection) const {
    auto const own = by_connection_.find(connection);
    return own == by_connection_.end() ? 0 : own->second.size();
}

std::vector<WatchEntry const*> WatchIndex::of(ConnectionId connection) const {
    std::vector<WatchEntry const*> entries;
    auto const own = by_connection_.find(connection);
    if (own == by_connection_.end()) return entries;
    for (auto const& entry : own->second) entries.push_back(entry.get());
    return entries;
}

std::vector<WatchEntry const*> WatchIndex::concerned(std::string_view path, Change::Reach reach) const {
    std::vector<WatchEntry const*> found;
    auto const collect = [&](std::string_view watched, u32 levels_below) {
        auto const entries = by_path_.find(watched);
        if (entries == by_path_.end()) return;
        for (auto const& entry : entries->second) {
            if (!entry->depth || levels_below <= *entry->depth) found.push_back(entry.get());
        }
    };
    u32 levels = 0;
    collect(path, levels);
    if (reach == Change::Reach::node_only || path.front() != '/') return found;
    for (auto above = path; above.size() > 1;) {
        above = above.substr(0, std::max(above.rfind('/'), usize{1}));
        collect(above, ++levels);
    }
    return found;
}

}  // namespace hospes::xenstore
