// SPDX-License-Identifier: Apache-2.0
// Page-table updates, pins, roots, writes by page fault, and frames that come and go, as two domains may try them, with faults and preemption
// anywhere. A reference that does not add up, a panic, a sanitizer's report or a frame that is missing at the end is a find.
#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/fuzz/fuzz_run.hpp"
#include "tests/support/hypervisor/address_space.hpp"
#include "tests/support/hypervisor/whole_recount.hpp"

using namespace hospes;
using namespace hospes::test;

namespace {

struct FuzzWorld : World {
    FuzzWorld() : World{96} {
        for (u16 id = 1; id <= 2; ++id) {
            Domain& domain = add_domain(id);
            AddressSpace const space = make_address_space(*this, *domain.vcpus[0]);
            frames.insert(frames.end(), {space.l1, space.l2, space.l3, space.l4, populate(domain), populate(domain), populate(domain), populate(domain)});
        }
    }
    Mfn any_frame(FuzzInput& input) {
        u8 const choice = input.byte();
        return choice < 240 ? frames[choice % frames.size()] : Mfn{input.number<u64>() >> (choice % 4 * 16)};
    }
    unsigned any_index(FuzzInput& input) {
        constexpr unsigned kInteresting[] = {0, 1, 2, 3, 15, 16, 17, 255, 256, 271, 272, 511};
        return kInteresting[input.byte() % std::size(kInteresting)];
    }
    u64 any_entry(FuzzInput& input) {
        u8 const choice = input.byte();
        if (choice < 40) return 0;
        if (choice > 240) return input.number<u64>();
        u64 const flags = Pte::kPresent | Pte::kUser | (choice % 3 == 0 ? Pte::kWritable : 0) | (choice % 16 == 1 ? u64{input.number<u16>()} : 0);
        return Pte::make(any_frame(input), flags).raw();
    }
    u64 any_place(FuzzInput& input) { return maddr_of(any_frame(input)).raw() + any_index(input) * 8 + input.byte() % 32 / 29; }

    std::vector<Mfn> frames;
};

u64 any_owner(FuzzInput& input) {
    u8 const choice = input.byte();
    return choice < 180 ? DOMID_SELF : choice < 250 ? choice % 3 : input.number<u32>();
}

void mmu_update(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    GuestArray<mmu_update_t> requests{3};
    for (unsigned i = 0; i < 3; ++i) requests[i] = {(world.any_place(input) & ~u64{3}) | input.byte() % 4, world.any_entry(input)};
    (void)World::hypercall(caller, __HYPERVISOR_mmu_update, {requests.address(), 1 + input.byte() % 3u, 0, any_owner(input)});
}

void mmuext(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    GuestArray<mmuext_op> ops{2};
    for (unsigned i = 0; i < 2; ++i) {
        ops[i].cmd = input.byte() % 22;
        ops[i].arg1.mfn = world.any_frame(input).raw();
        ops[i].arg2.src_mfn = world.any_frame(input).raw();
    }
    (void)World::hypercall(caller, __HYPERVISOR_mmuext_op, {ops.address(), 1 + input.byte() % 2u, 0, any_owner(input)});
}

void update_va(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    u64 const address = AddressSpace::page(world.any_index(input)).raw();
    (void)World::hypercall(caller, __HYPERVISOR_update_va_mapping, {address, world.any_entry(input), input.byte() % 8u});
}

void fault_write(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    GuestAddress const address = AddressSpace::page(world.any_index(input)) + world.any_index(input) * 8;
    auto const mapping = find_mapping(address, caller.pv.kernel_root);
    u64 const old = mapping.ok() && world.ram.frames().is_ram(mapping.value().mfn())
                        ? frame_pointer<u64>(mapping.value().mfn())[address.page_offset() / 8]
                        : 0;
    (void)emulate_pt_write(caller, address, old, world.any_entry(input)).ok();
}

void memory(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    GuestArray<u64> extents{2};
    for (unsigned i = 0; i < 2; ++i) extents[i] = world.any_frame(input).raw();
    GuestArray<xen_memory_reservation_t> request;
    *request = {};
    request->extent_start.p = reinterpret_cast<xen_pfn_t*>(extents.address());
    request->nr_extents = 1 + input.byte() % 2u;
    request->domid = DOMID_SELF;
    u64 command = XENMEM_populate_physmap;
    if (input.byte() % 4 == 0) command = XENMEM_decrease_reservation;
    (void)World::hypercall(caller, __HYPERVISOR_memory_op, {command, request.address()});
    world.frames.push_back(Mfn{extents[0]});
    if (world.frames.size() > 40) world.frames.erase(world.frames.begin());
}

// A guest writes memory that it has mapped writable, or could map so.
void write(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    Mfn const mfn = world.any_frame(input);
    u64 const entry = world.any_entry(input);
    unsigned const first = world.any_index(input);
    Domain& domain = caller.domain();
    if (!world.page_types.get_page_and_type(mfn, domain.id(), PageType::writable).ok()) return;
    for (unsigned i = first; i < first + input.byte() % 48u && i < kEntriesPerTable; ++i) frame_pointer<u64>(mfn)[i] = entry;
    world.page_types.put_page_and_type(mfn);
}

void run_one(FuzzWorld& world, FuzzInput& input) {
    Vcpu& caller = *world.domains.find(DomId{static_cast<u16>(1 + input.byte() % 2)}).value()->vcpus[0];
    u8 const choice = input.byte();
    Trouble const trouble{choice % 16 < 2 ? choice % 16 : -1, choice >> 4 < 6 ? choice >> 4 : -1};
    switch (input.byte() % 8) {
    case 0:
    case 1: write(world, input, caller); break;
    case 2: mmu_update(world, input, caller); break;
    case 3:
    case 4: mmuext(world, input, caller); break;
    case 5: update_va(world, input, caller); break;
    case 6: fault_write(world, input, caller); break;
    default: memory(world, input, caller);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, usize size) {
    return run_all<FuzzWorld>({data, size}, run_one, [](FuzzWorld& world) {
        if (std::string const wrong = difference_of_all(world); !wrong.empty()) throw HostPanic{wrong};
    });
}
