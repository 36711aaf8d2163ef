// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/foreign.hpp"

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/page_types.hpp"

namespace hospes {

Result<Domain*> target_domain(Vcpu& caller, DomId domid) {
    Domain& self = caller.domain();
    if (domid == kDomIdSelf || domid == self.id()) return &self;
    if (!self.is_control_domain()) return Errno::perm;
    Domain* const other = HV_TRY(self.system().domains.find(domid));
    return other;
}

Result<DomId> frame_owner(Vcpu& caller, DomId domid) {
    if (domid == kDomIdIo) {
        if (!caller.domain().is_hardware_domain()) return Errno::perm;
        return kDomIdIo;
    }
    return HV_TRY(target_domain(caller, domid))->id();
}

Status settle_tables(Vcpu& caller, DomId owner) {
    System& system = caller.domain().system();
    HV_TRY(system.page_types.settle(caller.domain()));
    if (owner == caller.domain().id()) return {};
    auto const other = system.domains.find(owner);
    return other.ok() ? system.page_types.settle(*other.value()) : Status{};  // DOMID_IO has no tables
}

}  // namespace hospes
