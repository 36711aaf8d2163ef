// SPDX-License-Identifier: Apache-2.0
// The end of grant mappings: one by one, and all of a domain that dies.
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/grant/granted_page.hpp"
#include "hypervisor/core/grant/map.hpp"
#include "hypervisor/ports/preempt.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {

namespace {

// Gives up what a taken handle holds. No pcpu can use the mapping any more. The granter is told last, by its entry.
void drop_mapping(Domain& mapper, GrantHandle handle, GrantMapping const& mapping) {
    System& system = mapper.system();
    HeldFrame::put(system, Mfn{mapping.frame}, !mapping.readonly);
    Result<Domain*> const granter = system.domains.find(DomId{mapping.granter});
    HV_ASSERT(granter.ok());  // its pins keep it (invariant G3)
    granter.value()->grants.unpin(GrantRef{mapping.ref}, mapping.readonly);
    mapper.grants.maptrack().release(handle);
}

}  // namespace

GrantStatus UnmapBatch::unmap(GrantUnmapRequest const& request) {
    if (count_ == kCapacity) finish();
    Maptrack& maptrack = caller_.domain().grants.maptrack();
    Result<GrantMapping> const taken = maptrack.take(request.handle);
    if (!taken.ok()) return GrantStatus::bad_handle;
    GrantMapping mapping = taken.value();

    GrantStatus const status = clear_entry(request, mapping);
    if (status == GrantStatus::okay) {
        if (request.host_address != 0) mapping.host = false;
        if (request.bus_address != 0) mapping.device = false;
    }
    if (mapping.host || mapping.device) {
        maptrack.restore(request.handle, mapping);
        return status;
    }
    leaving_[count_++] = {request.handle, mapping};
    return status;
}

GrantStatus UnmapBatch::clear_entry(GrantUnmapRequest const& request, GrantMapping const& mapping) {
    Mfn const frame{mapping.frame};
    if (request.bus_address != 0 && mapping.device && request.bus_address != maddr_of(frame).raw()) return GrantStatus::bad_device_address;
    if (request.host_address == 0 || !mapping.host) return GrantStatus::okay;
    GrantPlace const place{mapping.by_entry, request.host_address};
    if (!unmap_foreign_at(caller_, place, frame, mapping.readonly).ok()) return GrantStatus::general_error;
    needs_flush_ = true;
    return GrantStatus::okay;
}

void UnmapBatch::finish() {
    if (needs_flush_) tlb_flush_older_than(tlb_clock());
    needs_flush_ = false;
    for (usize i = 0; i < count_; ++i) drop_mapping(caller_.domain(), leaving_[i].handle, leaving_[i].mapping);
    count_ = 0;
}

// The dying domain's page tables may still map the frames, by references of their own; nothing runs on them any more.
Status GrantTable::release_mappings() {
    for (;;) {
        Result<GrantHandle> const handle = maptrack_.first_from(next_to_release_);
        if (!handle.ok()) return {};
        next_to_release_ = handle.value();
        Result<GrantMapping> const mapping = maptrack_.take(handle.value());
        if (mapping.ok()) drop_mapping(domain_, handle.value(), mapping.value());
        if (preempt_pending()) return Errno::restart;
    }
}

}  // namespace hospes
