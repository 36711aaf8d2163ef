// SPDX-License-Identifier: Apache-2.0
// set_gdt (2): the caller's GDT, by its machine frames.
#include "hypervisor/core/pv/descriptors.hpp"
#include "hypervisor/core/pv/gdt.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {

Outcome hypercall_set_gdt(Vcpu& caller, HypercallArgs& args) {
    u32 const entries = static_cast<u32>(args[1]);
    if (entries > kMaxGuestGdtEntries) return Errno::invalid;
    std::array<u64, kGuestGdtFrames> frames{};
    usize const count = (entries + kDescriptorsPerPage - 1) / kDescriptorsPerPage;
    HV_TRY(copy_from_guest(frames.data(), GuestAddress{args[0]}, count * sizeof(u64)));
    HV_TRY(set_gdt(caller, frames.data(), entries));
    return 0;
}

}  // namespace hospes
