// SPDX-License-Identifier: Apache-2.0
// Finds domains by number.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

inline constexpr u32 kMaxDomains = 1024;

class DomainList {
public:
    // The domain `id`, alive or dying; Errno::no_such_domain otherwise. DOMID_SELF is the caller's business.
    Result<Domain*> find(DomId id);
    // `id`, or `caller` for DOMID_SELF.
    Result<Domain*> find_or_self(DomId id, Domain& caller);
    // The first domain with a number of at least `id`, or null (xen_domctl_getdomaininfo is an iterator).
    Domain* first_from(DomId id);

    // Is there a domain that waits for reap_dead_domains()?
    bool has_dead() const { return dead_ > 0; }
    void note_dead() { ++dead_; }

    Status insert(Domain& domain);  // Errno::exists
    void remove(Domain& domain);
    // A number not in use: the one after the last given out, so that numbers are not reused soon.
    Result<DomId> free_id();

private:
    std::array<Domain*, kMaxDomains> domains_{};
    u32 last_given_ = 0;
    u32 dead_ = 0;
    Spinlock lock_{LockRank::domain_list};
};

}  // namespace hospes
