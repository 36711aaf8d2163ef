// SPDX-License-Identifier: Apache-2.0
// update_va_mapping (14): one level-1 entry, found by the virtual address it maps, with the TLB flush in the same call.
#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/hypercall/foreign.hpp"
#include "hypervisor/hypercall/vcpu_mask.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {
namespace {

Result<PcpuMask> pcpus_to_flush(Vcpu& caller, u64 flags) {
    u64 const where = flags & ~u64{UVMF_FLUSHTYPE_MASK};
    if (where == UVMF_LOCAL) return PcpuMask{1} << caller.sched.pcpu.raw();
    if (where == UVMF_ALL) return pcpus_of_domain(caller.domain());
    return pcpus_of_vcpu_bitmap(caller.domain(), GuestAddress{where});
}

Status flush(Vcpu& caller, GuestAddress address, u64 flags) {
    u64 const kind = flags & UVMF_FLUSHTYPE_MASK;
    if (kind != UVMF_TLB_FLUSH && kind != UVMF_INVLPG) return {};
    PcpuMask const pcpus = HV_TRY(pcpus_to_flush(caller, flags));
    if (kind == UVMF_TLB_FLUSH) {
        tlb_flush_mask(pcpus);
    } else {
        tlb_flush_page_mask(pcpus, address);
    }
    return {};
}

Outcome update(Vcpu& caller, HypercallArgs& args, DomId owner) {
    Domain& domain = caller.domain();
    HV_TRY(settle_tables(caller, owner));
    GuestAddress const address{args[0]};
    EntryPlace const place = HV_TRY(find_level1_entry(address, caller.pv.kernel_root));
    HV_TRY(update_entry(domain, place, Pte{args[1]}, {.frame_owner = owner}));
    HV_TRY(flush(caller, address, args[2]));
    return 0;
}

}  // namespace

Outcome hypercall_update_va_mapping(Vcpu& caller, HypercallArgs& args) { return update(caller, args, caller.domain().id()); }

Outcome hypercall_update_va_mapping_otherdomain(Vcpu& caller, HypercallArgs& args) {
    return update(caller, args, HV_TRY(frame_owner(caller, DomId{static_cast<u16>(args[3])})));
}

}  // namespace hospes
