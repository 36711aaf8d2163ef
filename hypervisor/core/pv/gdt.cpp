// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/gdt.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/pv/descriptors.hpp"
#include "hypervisor/core/pv/held_frames.hpp"
#include "hypervisor/ports/guest_cpu.hpp"

namespace hospes {

Status set_gdt(Vcpu& vcpu, u64 const* frames, u32 entries) {
    static_assert(kMaxGuestGdtEntries == kGuestGdtFrames * kDescriptorsPerPage);
    if (entries > kMaxGuestGdtEntries) return Errno::invalid;
    Domain& domain = vcpu.domain();
    HeldFrames<kGuestGdtFrames> held{domain.system().page_types};
    for (u32 i = 0; i * kDescriptorsPerPage < entries; ++i) HV_TRY(held.add(Mfn{frames[i]}, domain.id()));
    held.replace(vcpu.pv.gdt_frames);
    vcpu.pv.gdt_entries = entries;
    load_guest_gdt(vcpu);  // before the old frames are dropped
    return {};
}

}  // namespace hospes
