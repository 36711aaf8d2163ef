// SPDX-License-Identifier: Apache-2.0
// A xenstore in this process, for tests: the real server with nothing around it. A client of it is the real client, too;
// only the bytes between them are missing.
//
//   MemoryStore store;
//   auto dom0 = store.connect();
//   auto guest = store.connect(DomId{5});
//   dom0.write("/local/domain/5/name", "web");
#pragma once

#include "xenstore/client/client.hpp"
#include "xenstore/daemon/server.hpp"

#include <map>
#include <set>

namespace hospes::xenstore {

// Domains exist when a test says so; their rings lead nowhere.
class FakeDomainHost final : public DomainHost {
public:
    void add(DomId domain) { domains_[domain] = {}; }
    void shut_down(DomId domain) { domains_[domain].is_shutdown = true; }
    void remove(DomId domain) { domains_.erase(domain); }
    // The next attempts to bind this port of any domain fail.
    void refuse_port(EventPort port) { refused_.insert(port); }
    // How often a domain's link has been connected.
    int connect_count(DomId domain) const;

    std::optional<DomainState> state_of(DomId domain) override;
    Result<std::unique_ptr<DomainLink>> open_link(DomId domain, Receiver& receiver) override;

private:
    friend class FakeDomainLink;
    std::map<DomId, DomainState> domains_;
    std::set<EventPort> refused_;
    std::map<DomId, int> connects_;
};

class MemoryStore {
public:
    MemoryStore() : server_{host_, Quotas{}} {}

    // A client that speaks for `domain`; the control domain is privileged. It must not outlive the store.
    Client connect(DomId domain = kDomIdDom0);

    Server& server() { return server_; }
    FakeDomainHost& host() { return host_; }

private:
    FakeDomainHost host_;
    Server server_;
};

}  // namespace hospes::xenstore
