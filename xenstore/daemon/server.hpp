// SPDX-License-Identifier: Apache-2.0
// The store and its clients: takes requests, changes the tree, tells those who watch. It knows nothing of sockets and
// rings; it is driven by calls and leaves its answers in the connections' output queues.
#pragma once

#include "xenstore/daemon/connection.hpp"
#include "xenstore/daemon/domains.hpp"
#include "xenstore/daemon/trace.hpp"

#include <map>
#include <memory>
#include <set>

namespace hospes::xenstore {

inline constexpr std::string_view kIntroduceDomain = "@introduceDomain";
inline constexpr std::string_view kReleaseDomain = "@releaseDomain";

class Server {
public:
    // `host` is asked about domains and for their rings; it outlives the server.
    Server(DomainHost& host, Quotas quotas);

    Connection& add_connection(Caller caller, std::string name);
    void remove_connection(ConnectionId id);

    // Carries out one request and queues its answer.
    void handle(Connection& client, Header const& header, std::string_view payload);

    Tree& tree() { return tree_; }
    WatchIndex& watches() { return watches_; }
    Domains& domains() { return domains_; }
    Quotas& quotas() { return quotas_; }
    Trace& trace() { return trace_; }
    std::map<ConnectionId, std::unique_ptr<Connection>> const& connections() const { return connections_; }

    // Tells all who watch and may know.
    void fire(Changes const& changes);
    // `name` is kIntroduceDomain or kReleaseDomain.
    void fire_special(std::string_view name);
    // The permissions of such a name, or null if there is no special of that name.
    Permissions* special_permissions(std::string_view name);

    // A domain is gone: removes the nodes it owned, and its entry from the permissions of all others, so that a later domain
    // of the same number does not inherit them.
    void forget_domain(DomId domain);

private:
    WireResult<std::string> carry_out(struct Request& request);
    void warn_of_memory(Connection const& client);

    Tree tree_;
    WatchIndex watches_;
    Quotas quotas_;
    Trace trace_;
    Domains domains_;
    std::map<std::string, Permissions, std::less<>> specials_;
    std::map<ConnectionId, std::unique_ptr<Connection>> connections_;
    u64 next_connection_ = 1;
    std::set<DomId> warned_;  // domains above the soft memory quota
};

}  // namespace hospes::xenstore
