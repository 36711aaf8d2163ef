// SPDX-License-Identifier: Apache-2.0
// The domains that the store knows of: those that have been introduced, and those that were named as a node's owner before.
#pragma once

#include "xenstore/daemon/connection.hpp"

#include <map>
#include <memory>
#include <optional>

namespace hospes::xenstore {

// What the hypervisor says of a domain.
struct DomainState {
    bool is_shutdown = false;
    bool is_dying = false;
};

// The world as the server needs it: domains and the way to their rings.
class DomainHost {
public:
    virtual ~DomainHost() = default;
    // Nothing if there is no such domain.
    virtual std::optional<DomainState> state_of(DomId domain) = 0;
    // Maps the domain's ring; messages go to `receiver`, which outlives the link.
    virtual Result<std::unique_ptr<DomainLink>> open_link(DomId domain, Receiver& receiver) = 0;
};

class Domains {
public:
    Domains(Server& server, DomainHost& host) : server_{server}, host_{host} {}

    // Whether there is such a domain, introduced or not.
    bool exists(DomId domain);
    bool is_introduced(DomId domain) const;

    // Connects to the domain's ring; an introduced domain's connection starts afresh. EINVAL: there is no such domain, or
    // its ring or port cannot be had.
    WireResult<void> introduce(DomId domain, EventPort port);
    // ENOENT: not introduced.
    WireResult<void> release(DomId domain);
    WireResult<void> resume(DomId domain);
    // ENOENT: one of them is not introduced.
    WireResult<void> set_target(DomId domain, DomId target);

    // Some domain has shut down or is gone: finds out which, cleans up, and fires @releaseDomain once.
    void scan();

private:
    struct Domain {
        std::optional<ConnectionId> connection;
        std::unique_ptr<DomainLink> link;
        bool is_shutdown = false;  // and that has been told
    };

    Connection* connection_of(DomId domain) const;
    WireResult<void> introduce_new(DomId domain, EventPort port);
    void forget(DomId domain);

    Server& server_;
    DomainHost& host_;
    std::map<DomId, Domain> known_;
};

}  // namespace hospes::xenstore
