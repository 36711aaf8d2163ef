// SPDX-License-Identifier: Apache-2.0
// Page tables of a domain as its kernel would have made them: one table a level, the level-4 table pinned and loaded as a vcpu's root.
#pragma once

#include "tests/support/hypervisor/world.hpp"

namespace hospes::test {

struct AddressSpace {
    Mfn l4, l3, l2, l1;

    // The virtual address that entry `index` of the level-1 table maps.
    static GuestAddress page(unsigned index) { return GuestAddress{u64{1} << 39 | u64{2} << 30 | u64{3} << 21 | u64{index} << kPageShift}; }
    // The machine address of that entry.
    MachineAddress entry(unsigned index) const { return maddr_of(l1) + index * sizeof(u64); }
};

// Makes it for `vcpu`. Nothing is mapped yet.
AddressSpace make_address_space(World& world, Vcpu& vcpu);

// Maps `frame` of the vcpu's domain at AddressSpace::page(index).
void map_page(Vcpu& vcpu, AddressSpace const& space, unsigned index, Mfn frame, bool writable = true);

}  // namespace hospes::test
