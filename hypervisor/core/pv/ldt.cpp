// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/ldt.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/core/pv/descriptors.hpp"
#include "hypervisor/core/pv/gdt.hpp"
#include "hypervisor/core/pv/held_frames.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {
namespace {

constexpr u32 kMaxLdtEntries = kMaxLdtFrames * kDescriptorsPerPage;

}  // namespace

Status set_ldt(Vcpu& vcpu, GuestAddress base, u32 entries) {
    if (entries == 0 && vcpu.pv.ldt_entries == 0) return {};
    if (entries > kMaxLdtEntries) return Errno::invalid;
    if (entries != 0 && (base.page_offset() != 0 || !is_guest_range(base, u64{entries} * 8))) return Errno::invalid;
    Domain& domain = vcpu.domain();
    HeldFrames<kMaxLdtFrames> held{domain.system().page_types};
    for (u32 i = 0; i * kDescriptorsPerPage < entries; ++i) {
        auto const mapping = find_mapping(base + i * kPageSize, vcpu.pv.kernel_root);
        if (!mapping.ok()) return Errno::invalid;
        HV_TRY(held.add(mapping.value().mfn(), domain.id()));
    }
    held.replace(vcpu.pv.ldt_frames);
    vcpu.pv.ldt_base = base.raw();
    vcpu.pv.ldt_entries = entries;
    load_guest_ldt(vcpu);  // before the old frames are dropped
    return {};
}

void release_descriptor_tables(Vcpu& vcpu) {
    // With no entries neither takes a new frame, so neither can fail.
    (void)set_ldt(vcpu, GuestAddress{}, 0);
    (void)set_gdt(vcpu, nullptr, 0);
}

}  // namespace hospes
