// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/grant/copy.hpp"

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/grant/granted_page.hpp"
#include "hypervisor/ports/frame_window.hpp"

#include <optional>

namespace hospes {

namespace {

// One end of a copy, held while the copy runs: the frame's references go before the pin.
class CopyEnd {
public:
    GrantStatus open(Domain& caller, GrantCopyEnd const& end, bool readonly) {
        return end.is_grant ? open_grant(caller, end, readonly) : open_own(caller, end, readonly);
    }
    u8* bytes() const { return frame_pointer<u8>(frame_->mfn()); }

private:
    GrantStatus open_own(Domain& caller, GrantCopyEnd const& end, bool readonly) {
        if (end.domain != kDomIdSelf) return GrantStatus::permission_denied;
        return hold(caller, Mfn{end.frame_or_ref}, caller.id(), readonly);
    }
    GrantStatus open_grant(Domain& caller, GrantCopyEnd const& end, bool readonly) {
        Result<Domain*> const granter = caller.system().domains.find_or_self(end.domain, caller);
        if (!granter.ok()) return GrantStatus::bad_domain;
        pin_.emplace(*granter.value(), GrantRef{static_cast<u32>(end.frame_or_ref)}, caller.id(), readonly);
        if (pin_->status() != GrantStatus::okay) return pin_->status();
        return hold(caller, pin_->frame(), granter.value()->id(), readonly);
    }
    GrantStatus hold(Domain& caller, Mfn mfn, DomId owner, bool readonly) {
        Result<HeldFrame> frame = HeldFrame::get(caller.system(), mfn, owner, readonly);
        if (!frame.ok()) return status_of(frame.error());
        frame_.emplace(frame.take());
        return GrantStatus::okay;
    }

    std::optional<GrantPin> pin_;
    std::optional<HeldFrame> frame_;
};

bool fits_in_page(u16 offset, u16 size) { return u32{offset} + size <= kPageSize; }

}  // namespace

GrantStatus copy_grant(Vcpu& caller, GrantCopyEnd const& source, GrantCopyEnd const& destination, u16 size) {
    if (!fits_in_page(source.offset, size) || !fits_in_page(destination.offset, size)) return GrantStatus::bad_copy_argument;
    CopyEnd from;
    GrantStatus status = from.open(caller.domain(), source, true);
    if (status != GrantStatus::okay) return status;
    CopyEnd to;
    status = to.open(caller.domain(), destination, false);
    if (status != GrantStatus::okay) return status;
    __builtin_memmove(to.bytes() + destination.offset, from.bytes() + source.offset, size);  // both may be one page
    return GrantStatus::okay;
}

}  // namespace hospes
