// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/address_space.hpp"

#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/ports/frame_window.hpp"

namespace hospes::test {

namespace {

constexpr u64 kTableFlags = Pte::kPresent | Pte::kWritable | Pte::kUser | Pte::kAccessed;

void link(Mfn upper, unsigned level, Mfn lower) {
    frame_pointer<u64>(upper)[table_index(AddressSpace::page(0).raw(), level)] = Pte::make(lower, kTableFlags).raw();
}

void expect(Status const& status, char const* what) {
    if (!status.ok()) throw HostPanic{what};
}

}  // namespace

AddressSpace make_address_space(World& world, Vcpu& vcpu) {
    Domain& domain = vcpu.domain();
    AddressSpace const space{world.populate(domain), world.populate(domain), world.populate(domain), world.populate(domain)};
    link(space.l4, 4, space.l3);
    link(space.l3, 3, space.l2);
    link(space.l2, 2, space.l1);
    expect(world.page_types.pin(space.l4, domain, PageType::l4_table), "good page tables can be pinned");
    expect(world.page_types.get_page_and_type(space.l4, domain.id(), PageType::l4_table), "a pinned table can be a root");
    vcpu.pv.kernel_root = space.l4;
    return space;
}

void map_page(Vcpu& vcpu, AddressSpace const& space, unsigned index, Mfn frame, bool writable) {
    u64 const flags = Pte::kPresent | Pte::kUser | Pte::kAccessed | (writable ? Pte::kWritable | Pte::kDirty : 0);
    Domain& domain = vcpu.domain();
    expect(update_entry(domain, {space.l1, index}, Pte::make(frame, flags), {.frame_owner = domain.id()}), "a frame can be mapped");
}

}  // namespace hospes::test
