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

    // A dead domain may have lost what kept it: reap_dead_domains() shall look.
    void request_reaping() { wants_reaping_ = true; }
    bool wants_reaping() const { return wants_reaping_.load(std::memory_order_relaxed); }
    bool take_reaping() { return wants_reaping_.exchange(false); }

    Status insert(Domain& domain);  // Errno::exists
    void remove(Domain& domain);
    // A number not in use: the one after the last given out, so that numbers are not reused soon.
    Result<DomId> free_id();

private:
    std::array<Domain*, kMaxDomains> domains_{};
    u32 last_given_ = 0;
    std::atomic<bool> wants_reaping_{false};
    Spinlock lock_{LockRank::domain_list};
};

// Calls `visit(Domain&)` for each, by number. The caller holds the core lock.
template <typename Visit>
void for_each_domain(DomainList& domains, Visit visit) {
    Domain* next = nullptr;
    for (Domain* domain = domains.first_from(DomId{0}); domain != nullptr; domain = next) {
        next = domains.first_from(DomId{static_cast<u16>(domain->id().raw() + 1)});
        visit(*domain);
    }
}

}  // namespace hospes
