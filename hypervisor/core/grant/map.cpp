// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/grant/map.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/grant/granted_page.hpp"
#include "hypervisor/x86/pte.hpp"

namespace hospes {

namespace {

// The guest's three software bits of the entry are its own: flags bits 16 to 18 become entry bits 9 to 11.
u64 entry_flags(u32 flags) {
    u64 const available = u64{flags >> _GNTMAP_guest_avail0} << 9 & Pte::kAvailable;
    return available | ((flags & GNTMAP_readonly) != 0 ? 0 : Pte::kWritable);
}

}  // namespace

GrantStatus GrantMap::prepare() {
    Domain& mapper = caller_.domain();
    if (!has(GNTMAP_host_map) && !has(GNTMAP_device_map)) return GrantStatus::bad_gref;
    Result<Domain*> const granter = mapper.system().domains.find_or_self(request_.granter, mapper);
    if (!granter.ok()) return GrantStatus::bad_domain;
    granter_ = granter.value();

    Maptrack& maptrack = mapper.grants.maptrack();
    Result<GrantHandle> const free_handle = maptrack.reserve();
    if (!free_handle.ok()) return GrantStatus::no_space;
    handle_.emplace(maptrack, free_handle.value());
    pin_.emplace(*granter_, request_.ref, mapper.id(), has(GNTMAP_readonly));
    if (pin_->status() != GrantStatus::okay) return pin_->status();
    Result<HeldFrame> frame = HeldFrame::get(mapper.system(), pin_->frame(), granter_->id(), has(GNTMAP_readonly));
    if (!frame.ok()) return status_of(frame.error());
    frame_.emplace(frame.take());
    return GrantStatus::okay;
}

GrantMapResult GrantMap::result() const {
    if (status_ != GrantStatus::okay) return {status_};
    return {status_, handle_->number(), maddr_of(pin_->frame())};
}

GrantStatus GrantMap::perform() {
    if (has(GNTMAP_host_map)) {
        GrantPlace const place{has(GNTMAP_contains_pte), request_.host_address};
        Status const mapped = map_foreign_at(caller_, place, pin_->frame(), granter_->id(), entry_flags(request_.flags));
        if (!mapped.ok()) return mapped.error() == Errno::restart ? GrantStatus::again : GrantStatus::general_error;
    }
    frame_->release();
    pin_->release();
    handle_->publish({.frame = static_cast<u32>(pin_->frame().raw()),
                      .ref = request_.ref.raw(),
                      .granter = granter_->id().raw(),
                      .readonly = has(GNTMAP_readonly),
                      .host = has(GNTMAP_host_map),
                      .device = has(GNTMAP_device_map),
                      .by_entry = has(GNTMAP_contains_pte)});
    return GrantStatus::okay;
}

}  // namespace hospes
