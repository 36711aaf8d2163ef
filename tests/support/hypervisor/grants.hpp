// SPDX-License-Identifier: Apache-2.0
// A world for tests of grants: what a granter writes into its table, and what a mapper sees in its page tables.
#pragma once

#include "hypervisor/core/grant/copy.hpp"
#include "hypervisor/core/grant/map.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/world.hpp"

namespace hospes::test {

// GNTTABOP_map_grant_ref for one grant, without telling anybody.
inline GrantMapResult map_grant(Vcpu& caller, GrantMapRequest const& request) {
    GrantMap map{caller, request};
    GrantMapResult const result = map.result();
    if (result.status != GrantStatus::okay) return result;
    GrantStatus const performed = map.perform();
    return performed == GrantStatus::okay ? result : GrantMapResult{performed};
}

struct GrantWorld : World {
    explicit GrantWorld(u64 frames = 2048) : World{frames} {}

    // The granter's own view of its entries.
    static grant_entry_v1_t& entry(Domain& domain, u32 ref) {
        return frame_pointer<grant_entry_v1_t>(domain.grants.shared_frame(ref / 512).value())[ref % 512];
    }
    static void grant(Domain& from, u32 ref, Domain& to, Mfn frame, u16 flags = GTF_permit_access) {
        grant_entry_v1_t& slot = entry(from, ref);
        slot.frame = static_cast<u32>(frame.raw());
        slot.domid = to.id().raw();
        slot.flags = flags;
    }
    // The machine address of entry `index` of a level-1 table.
    static u64 entry_address(Mfn table, unsigned index) { return maddr_of(table).raw() + index * 8; }
    static Pte entry_of(Mfn table, unsigned index) { return Pte{frame_pointer<u64>(table)[index]}; }

    GrantMapResult map(Domain& by, Domain& of, u32 ref, u64 address, u32 flags = GNTMAP_host_map | GNTMAP_contains_pte) {
        return map_grant(*by.vcpus[0], {address, flags, GrantRef{ref}, of.id()});
    }
    GrantStatus unmap(Domain& by, GrantHandle handle, u64 address, u64 bus_address = 0) {
        UnmapBatch batch{*by.vcpus[0]};
        return batch.unmap({address, bus_address, handle});
    }
    u64 references(Mfn mfn) { return RefWord::Count::get(ram.frames()[mfn].refs.load()); }
    u64 type_references(Mfn mfn) { return TypeWord::Count::get(ram.frames()[mfn].type.load()); }

    Domain& granter = add_domain(1);
    Domain& mapper = add_domain(2);
    Mfn table = level1_table(mapper);
    Mfn page = populate(granter);
};

}  // namespace hospes::test
