// SPDX-License-Identifier: Apache-2.0
// grant_table_op as two domains may call it, on entries and page tables that they rewrite at any moment. A panic, references that do not
// add up, a sanitizer's report or a frame that is missing at the end is a find.
#include "hypervisor/core/grant/grant_table.hpp"

#include "hypervisor/core/mm/page_table.hpp"
#include "tests/fuzz/fuzz_run.hpp"
#include "tests/support/hypervisor/grants.hpp"

using namespace hospes;
using namespace hospes::test;

namespace {

struct FuzzWorld : GrantWorld {
    FuzzWorld() : GrantWorld{160} {  // small enough that memory can run out
        (void)granter.grants.grow(1).ok();
        (void)mapper.grants.grow(1).ok();
    }
    u64 any_address(FuzzInput& input) {
        u8 const choice = input.byte();
        if (choice < 160) return entry_address(choice % 2 == 0 ? table : granters_table, choice / 2 % 8);
        return choice < 200 ? 0 : input.number<u64>();
    }
    u64 any_frame(FuzzInput& input) {
        u8 const choice = input.byte();
        u64 const known[] = {page.raw(), mappers_page.raw(), table.raw(), granters_table.raw(), granter.shared_info_frame.raw()};
        return choice < 230 ? known[choice % std::size(known)] : input.number<u64>();
    }
    u16 any_domain(FuzzInput& input) {
        u8 const choice = input.byte();
        return choice < 200 ? 1 + choice % 2 : choice < 240 ? u16{DOMID_SELF} : input.number<u16>();
    }

    Mfn granters_table = level1_table(granter);
    Mfn mappers_page = populate(mapper);
};

void write_entry(FuzzWorld& world, FuzzInput& input, Domain& granter) {
    GrantWorld::entry(granter, input.byte() % 8) = {input.byte(), world.any_domain(input), static_cast<u32>(world.any_frame(input))};
}

void do_map(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    GuestArray<gnttab_map_grant_ref_t> ops{2};
    for (u32 i = 0; i < 2; ++i)
        ops[i] = {world.any_address(input), input.byte() | u32{input.byte()} << 16, input.small_or_any<u32>(8), world.any_domain(input), 0, 0, 0};
    (void)World::call(caller, hypercall_grant_table_op, GNTTABOP_map_grant_ref, ops.address(), 2);
}

void do_unmap(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    GuestArray<gnttab_unmap_grant_ref_t> ops{2};
    for (u32 i = 0; i < 2; ++i)
        ops[i] = {world.any_address(input), input.byte() % 2 == 0 ? 0 : world.any_frame(input) << kPageShift, input.small_or_any<u32>(8), 0};
    (void)World::call(caller, hypercall_grant_table_op, GNTTABOP_unmap_grant_ref, ops.address(), 2);
}

void fill_copy_end(FuzzWorld& world, FuzzInput& input, gnttab_copy::gnttab_copy_ptr& end, bool is_grant) {
    if (is_grant) end.u.ref = input.small_or_any<u32>(8);
    if (!is_grant) end.u.gmfn = world.any_frame(input);
    end.domid = world.any_domain(input);
    end.offset = input.number<u16>();
}

void do_copy(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    GuestArray<gnttab_copy_t> op;
    op->flags = input.byte() % 4;
    fill_copy_end(world, input, op->source, (op->flags & GNTCOPY_source_gref) != 0);
    fill_copy_end(world, input, op->dest, (op->flags & GNTCOPY_dest_gref) != 0);
    op->len = input.number<u16>();
    (void)World::call(caller, hypercall_grant_table_op, GNTTABOP_copy, op.address(), 1);
}

void do_setup(FuzzWorld& world, FuzzInput& input, Vcpu& caller) {
    GuestArray<xen_pfn_t> list{4};
    GuestArray<gnttab_setup_table_t> op;
    op->dom = world.any_domain(input);
    op->nr_frames = input.small_or_any<u32>(6);
    op->frame_list.p = reinterpret_cast<xen_pfn_t*>(list.address());
    (void)World::call(caller, hypercall_grant_table_op, GNTTABOP_setup_table, op.address(), 1);
}

void run_one(FuzzWorld& world, FuzzInput& input) {
    Domain& domain = input.byte() % 2 == 0 ? world.granter : world.mapper;
    Vcpu& caller = *domain.vcpus[0];
    u8 const choice = input.byte();
    Trouble const trouble{choice % 16 < 4 ? choice % 16 : -1, choice >> 4 < 2 ? choice >> 4 : -1};
    switch (input.byte() % 7) {
    case 0:
    case 1: write_entry(world, input, domain); break;
    case 2: do_map(world, input, caller); break;
    case 3: do_unmap(world, input, caller); break;
    case 4: do_copy(world, input, caller); break;
    case 5: do_setup(world, input, caller); break;
    default: {
        Mfn const table = &domain == &world.mapper ? world.table : world.granters_table;
        (void)update_entry(domain, {table, input.byte() % 8u}, Pte{}, {.frame_owner = domain.id()}).ok();
    }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, usize size) {
    return run_all<FuzzWorld>({data, size}, run_one, [](FuzzWorld& world) {
        world.granter.grants.check();
        world.mapper.grants.check();
    });
}
