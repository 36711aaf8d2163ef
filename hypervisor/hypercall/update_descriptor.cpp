// SPDX-License-Identifier: Apache-2.0
// update_descriptor (10): one entry of a descriptor table, by machine address, in one store.
#include "hypervisor/core/pv/descriptors.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/frame_window.hpp"

namespace hospes {

// The frame is a descriptor page, or memory the caller could write itself.
static Result<TypedPage> hold_for_descriptor(Domain& domain, Mfn frame) {
    PageTypes& types = domain.system().page_types;
    auto as_descriptors = TypedPage::get(types, frame, domain.id(), PageType::segdesc);
    if (as_descriptors.ok()) return as_descriptors;
    return TypedPage::get(types, frame, domain.id(), PageType::writable);
}

Outcome hypercall_update_descriptor(Vcpu& caller, HypercallArgs& args) {
    MachineAddress const place{args[0]};
    u64 descriptor = args[1];
    if (place.raw() % sizeof descriptor != 0 || !validate_descriptor(descriptor)) return Errno::invalid;
    TypedPage const page = HV_TRY(hold_for_descriptor(caller.domain(), mfn_of(place)));
    __atomic_store_n(machine_pointer<u64>(place), descriptor, __ATOMIC_RELAXED);
    return 0;
}

}  // namespace hospes
