// SPDX-License-Identifier: Apache-2.0
// update_descriptor (10): one entry of a descriptor table, by machine address, in one store.
#include "hypervisor/core/pv/descriptors.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/frame_window.hpp"

namespace hospes {

// The frame is a descriptor page in use, or memory the caller could write itself. (It becomes no descriptor page here: the rest of it
// would be looked at, and be given the privilege level of guests.)
static Result<TypedPage> hold_for_descriptor(Domain& domain, Mfn frame) {
    System& system = domain.system();
    FrameEntry const* const entry = system.frames.find(frame);
    bool const is_in_use = entry != nullptr && PageTypes::type(*entry) == PageType::segdesc;
    return TypedPage::get(system.page_types, frame, domain.id(), is_in_use ? PageType::segdesc : PageType::writable);
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
