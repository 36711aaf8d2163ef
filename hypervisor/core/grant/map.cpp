// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/grant/map.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/grant/granted_page.hpp"
#include "hypervisor/x86/pte.hpp"

namespace hospes {

namespace {

// A handle that becomes free again unless it is published.
class ReservedHandle {
public:
    ReservedHandle(Maptrack& maptrack, GrantHandle handle) : maptrack_{&maptrack}, handle_{handle} {}
    ReservedHandle(ReservedHandle const&) = delete;
    ReservedHandle& operator=(ReservedHandle const&) = delete;
    ~ReservedHandle() {
        if (maptrack_ != nullptr) maptrack_->release(handle_);
    }
    GrantHandle publish(GrantMapping const& mapping) {
        maptrack_->publish(handle_, mapping);
        maptrack_ = nullptr;
        return handle_;
    }

private:
    Maptrack* maptrack_;
    GrantHandle handle_;
};

// The guest's three software bits of the entry are its own: flags bits 16 to 18 become entry bits 9 to 11.
u64 entry_flags(u32 flags) {
    u64 const available = u64{flags >> _GNTMAP_guest_avail0} << 9 & Pte::kAvailable;
    return available | ((flags & GNTMAP_readonly) != 0 ? 0 : Pte::kWritable);
}

}  // namespace

GrantMapResult map_grant(Vcpu& caller, GrantMapRequest const& request) {
    Domain& mapper = caller.domain();
    bool const host = (request.flags & GNTMAP_host_map) != 0;
    bool const device = (request.flags & GNTMAP_device_map) != 0;
    bool const readonly = (request.flags & GNTMAP_readonly) != 0;
    if (!host && !device) return {GrantStatus::bad_gref};
    Result<Domain*> const granter = mapper.system().domains.find_or_self(request.granter, mapper);
    if (!granter.ok()) return {GrantStatus::bad_domain};

    Maptrack& maptrack = mapper.grants.maptrack();
    Result<GrantHandle> const free_handle = maptrack.reserve();
    if (!free_handle.ok()) return {GrantStatus::no_space};
    ReservedHandle handle{maptrack, free_handle.value()};
    GrantPin pin{*granter.value(), request.ref, mapper.id(), readonly};
    if (pin.status() != GrantStatus::okay) return {pin.status()};
    Result<HeldFrame> frame = HeldFrame::get(mapper.system().page_types, pin.frame(), granter.value()->id(), readonly);
    if (!frame.ok()) return {status_of(frame.error())};
    if (host) {
        GrantPlace const place{(request.flags & GNTMAP_contains_pte) != 0, request.host_address};
        Status const mapped = map_foreign_at(caller, place, pin.frame(), granter.value()->id(), entry_flags(request.flags));
        if (!mapped.ok()) return {mapped.error() == Errno::restart ? GrantStatus::again : GrantStatus::general_error};
    }

    frame.value().release();
    pin.release();
    GrantHandle const published = handle.publish({.frame = static_cast<u32>(pin.frame().raw()),
                                                  .ref = request.ref.raw(),
                                                  .granter = granter.value()->id().raw(),
                                                  .readonly = readonly,
                                                  .host = host,
                                                  .device = device,
                                                  .by_entry = (request.flags & GNTMAP_contains_pte) != 0});
    return {GrantStatus::okay, published, maddr_of(pin.frame())};
}

}  // namespace hospes
