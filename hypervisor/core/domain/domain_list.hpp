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

    Status insert(Domain& domain);  // Errno::exists
    void remove(Domain& domain);
    Result<DomId> free_id(DomId hint);  // a number not in use, the lowest at or after `hint`

private:
    std::array<Domain*, kMaxDomains> domains_{};
    Spinlock lock_{LockRank::domain_list};
};

}  // namespace hospes
