// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/domain_list.hpp"

namespace hospes {

Result<Domain*> DomainList::find(DomId id) {
    if (id.raw() >= kMaxDomains) return Errno::no_such_domain;
    Domain* const domain = domains_[masked_index(id.raw(), kMaxDomains)];
    if (domain == nullptr) return Errno::no_such_domain;
    return domain;
}

Result<Domain*> DomainList::find_or_self(DomId id, Domain& caller) {
    if (id == kDomIdSelf) return &caller;
    return find(id);
}

Domain* DomainList::first_from(DomId id) {
    for (u32 i = id.raw(); i < kMaxDomains; ++i) {
        if (domains_[i] != nullptr) return domains_[i];
    }
    return nullptr;
}

Status DomainList::insert(Domain& domain) {
    LockGuard guard{lock_};
    if (domain.id().raw() >= kMaxDomains) return Errno::invalid;
    if (domains_[domain.id().raw()] != nullptr) return Errno::exists;
    domains_[domain.id().raw()] = &domain;
    return {};
}

void DomainList::remove(Domain& domain) {
    LockGuard guard{lock_};
    domains_[domain.id().raw()] = nullptr;
}

Result<DomId> DomainList::free_id() {
    LockGuard guard{lock_};
    for (u32 i = 1; i <= kMaxDomains; ++i) {
        u32 const id = (last_given_ + i) % kMaxDomains;
        if (id == 0 || domains_[id] != nullptr) continue;
        last_given_ = id;
        return DomId{static_cast<u16>(id)};
    }
    return Errno::no_memory;
}

}  // namespace hospes
