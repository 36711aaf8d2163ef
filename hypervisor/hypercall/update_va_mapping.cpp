// SPDX-License-Identifier: Apache-2.0
// update_va_mapping (14): one level-1 entry, found by the virtual address it maps, with the TLB flush in the same call.
#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/hypercall/foreign.hpp"
#include "hypervisor/hypercall/vcpu_mask.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {
namespace {

// Whose translations have to go after the update, and of how much.
struct Flush {
    u64 kind;
    bool is_local;
    u64 vcpus;
};

// A set of vcpus is read before anything is changed. Few ask for one, so that is kept out of the straight way.
[[gnu::noinline]] Result<u64> read_vcpus(Vcpu& caller, u64 where) {
    u64 const vcpus = HV_TRY(read_vcpu_bitmap(caller.domain(), GuestAddress{where}));
    return vcpus;
}

Result<Flush> decode_flush(Vcpu& caller, u64 flags) {
    u64 const kind = flags & UVMF_FLUSHTYPE_MASK;
    u64 const where = flags & ~u64{UVMF_FLUSHTYPE_MASK};
    bool const names_vcpus = kind != UVMF_NONE && where != UVMF_LOCAL && where != UVMF_ALL;
    u64 const vcpus = names_vcpus ? HV_TRY(read_vcpus(caller, where)) : ~u64{0};
    return Flush{kind, where == UVMF_LOCAL, vcpus};
}

[[gnu::noinline]] void flush_pcpus(Vcpu& caller, GuestAddress address, Flush const& flush) {
    PcpuMask const pcpus = flush.is_local ? PcpuMask{1} << caller.sched.pcpu.load().raw() : pcpus_of_domain(caller.domain(), flush.vcpus);
    if (flush.kind == UVMF_TLB_FLUSH) tlb_flush_mask(pcpus);
    if (flush.kind == UVMF_INVLPG) tlb_flush_page_mask(pcpus, address);
}

// The caller runs on this pcpu.
void flush(Vcpu& caller, GuestAddress address, Flush const& flush) {
    if (flush.kind == UVMF_NONE) return;
    if (flush.kind == UVMF_INVLPG && flush.is_local) return tlb_flush_page_local(address);
    flush_pcpus(caller, address, flush);
}

// With the tables of caller and owner settled.
Outcome update(Vcpu& caller, HypercallArgs& args, DomId owner) {
    Domain& domain = caller.domain();
    GuestAddress const address{args[0]};
    EntryPlace const place = HV_TRY(find_level1_entry(address, caller.pv.kernel_root));
    Flush const wanted = HV_TRY(decode_flush(caller, args[2]));
    HV_TRY(update_entry(domain, place, Pte{args[1]}, {.frame_owner = owner}));
    flush(caller, address, wanted);
    return 0;
}

}  // namespace

// What guests do most with their tables one by one: all in one piece.
[[gnu::flatten]] Outcome hypercall_update_va_mapping(Vcpu& caller, HypercallArgs& args) {
    Domain& domain = caller.domain();
    HV_TRY(domain.system().page_types.settle(domain));
    return update(caller, args, domain.id());
}

Outcome hypercall_update_va_mapping_otherdomain(Vcpu& caller, HypercallArgs& args) {
    DomId const owner = HV_TRY(frame_owner(caller, DomId{static_cast<u16>(args[3])}));
    HV_TRY(settle_tables(caller, owner));
    return update(caller, args, owner);
}

}  // namespace hospes
