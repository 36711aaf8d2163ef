// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/unit/hypercall/faults/scenario.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kData = Pte::kPresent | Pte::kWritable | Pte::kUser | Pte::kAccessed | Pte::kDirty;

// `count` updates, and the word that tells how many were done.
Call mmu_update(Scene& stage, Vcpu& caller, std::span<mmu_update_t const> updates, unsigned count, u64 owner = DOMID_SELF) {
    auto& requests = stage.arguments<mmu_update_t>(count);
    for (unsigned i = 0; i < count; ++i) requests[i] = updates[i];
    auto& done = stage.arguments<u32>();
    return {caller, __HYPERVISOR_mmu_update, {requests.address(), count, done.address(), owner}};
}

Call map_pages(Scene& s, unsigned count, u64 command) {
    mmu_update_t updates[3];
    for (unsigned i = 0; i < 3; ++i) updates[i] = {s.one.space.entry(i).raw() | command, Pte::make(s.one.pages[i], kData).raw()};
    return mmu_update(s, s.one.vcpu, updates, count);
}

Call mmuext(Scene& stage, Vcpu& caller, std::span<mmuext_op const> ops, unsigned count = 1) {
    auto& requests = stage.arguments<mmuext_op>(count);
    for (unsigned i = 0; i < count; ++i) requests[i] = ops[i];
    auto& done = stage.arguments<u32>();
    return {caller, __HYPERVISOR_mmuext_op, {requests.address(), count, done.address(), DOMID_SELF}};
}

Call on_frame(Scene& s, unsigned command, Mfn mfn, Mfn source = Mfn{0}) {
    mmuext_op op{};
    op.cmd = command;
    op.arg1.mfn = mfn.raw();
    op.arg2.src_mfn = source.raw();
    return mmuext(s, s.one.vcpu, {&op, 1});
}

// Pages 3 to 6 of domain one become a tree: 6 is the level-4 table, 3 the level-1 table, which maps pages 0 to 2.
void make_tree(Scene& s) {
    for (unsigned i = 0; i < 3; ++i) frame_pointer<u64>(s.one.pages[3])[i] = Pte::make(s.one.pages[i], kData).raw();
    for (unsigned level = 2; level <= 4; ++level)
        for (unsigned i = 0; i < 40; ++i) frame_pointer<u64>(s.one.pages[2 + level])[i] = Pte::make(s.one.pages[1 + level], kData).raw();
}

Call pin_all_levels(Scene& s, unsigned count) {
    mmuext_op ops[4] = {};
    unsigned const commands[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE};
    for (unsigned i = 0; i < 4; ++i) ops[i].cmd = commands[i], ops[i].arg1.mfn = s.one.pages[3 + i].raw();
    return mmuext(s, s.one.vcpu, ops, count);
}

void pin_tree(Scene& s) {
    make_tree(s);
    REQUIRE(s.page_types.pin(s.one.pages[6], s.one.domain, PageType::l4_table).ok());
}

Call flush_of_vcpus(Scene& s, unsigned command) {
    auto& mask = s.arguments<u64>();
    *mask = 3;
    mmuext_op op{};
    op.cmd = command;
    op.arg1.linear_addr = AddressSpace::page(0).raw();
    op.arg2.vcpumask.p = reinterpret_cast<void*>(mask.address());
    return mmuext(s, s.one.vcpu, {&op, 1});
}

Call update_va_mapping(Scene& s, u64 kind) {
    auto& mask = s.arguments<u64>();
    *mask = 3;
    return {s.one.vcpu, __HYPERVISOR_update_va_mapping, {AddressSpace::page(1).raw(), Pte::make(s.one.pages[1], kData).raw(), mask.address() | kind}};
}

// As a page of descriptors pages[0] holds nothing that is present.
void map_descriptors(Scene& s) { map_page(s.one.vcpu, s.one.space, 0, s.one.pages[0], false); }

constexpr Scenario kScenarios[] = {
    {.name = "mmu_update",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned n) { return map_pages(s, n, MMU_NORMAL_PT_UPDATE); },
     .operations = 3,
     .tells_late = true},
    {.name = "mmu_update that keeps accessed and dirty",
     .set_up = [](Scene& s) { map_page(s.one.vcpu, s.one.space, 0, s.one.pages[5]); },
     .call = [](Scene& s, unsigned n) { return map_pages(s, n, MMU_PT_UPDATE_PRESERVE_AD); },
     .operations = 3,
     .tells_late = true},
    {.name = "mmu_update of the machine-to-physical table",
     .set_up = nullptr,
     .call =
         [](Scene& s, unsigned n) {
             mmu_update_t const updates[] = {{maddr_of(s.one.pages[0]).raw() | MMU_MACHPHYS_UPDATE, 300},
                                             {maddr_of(s.one.pages[1]).raw() | MMU_MACHPHYS_UPDATE, 301}};
             return mmu_update(s, s.one.vcpu, updates, n);
         },
     .operations = 2,
     .tells_late = true},
    {.name = "mmu_update of a plain page",
     .set_up = nullptr,
     .call =
         [](Scene& s, unsigned) {
             mmu_update_t const update{maddr_of(s.one.pages[0]).raw(), 0x1234};
             return mmu_update(s, s.one.vcpu, {&update, 1}, 1);
         },
     .tells_late = true},
    {.name = "mmu_update by which dom0 maps another domain's page",
     .set_up = nullptr,
     .call =
         [](Scene& s, unsigned) {
             mmu_update_t const update{s.zero.space.entry(0).raw(), Pte::make(s.one.pages[0], kData).raw()};
             return mmu_update(s, s.zero.vcpu, {&update, 1}, 1, 1);
         },
     .tells_late = true},
    {.name = "mmu_update of a table of tables",
     .set_up = make_tree,
     .call =
         [](Scene& s, unsigned) {
             mmu_update_t const update{maddr_of(s.one.space.l3).raw() + 8 * 9, Pte::make(s.one.pages[4], kData).raw()};
             return mmu_update(s, s.one.vcpu, {&update, 1}, 1);
         },
     .tells_late = true},
    {.name = "pins of all levels", .set_up = make_tree, .call = pin_all_levels, .operations = 4, .tells_late = true},
    {.name = "pin of a level-4 table",
     .set_up = make_tree,
     .call = [](Scene& s, unsigned) { return on_frame(s, MMUEXT_PIN_L4_TABLE, s.one.pages[6]); },
     .tells_late = true},
    {.name = "unpin",
     .set_up = pin_tree,
     .call = [](Scene& s, unsigned) { return on_frame(s, MMUEXT_UNPIN_TABLE, s.one.pages[6]); },
     .tells_late = true},
    {.name = "new_baseptr",
     .set_up = pin_tree,
     .call = [](Scene& s, unsigned) { return on_frame(s, MMUEXT_NEW_BASEPTR, s.one.pages[6]); },
     .tells_late = true},
    {.name = "new_user_baseptr",
     .set_up = make_tree,
     .call = [](Scene& s, unsigned) { return on_frame(s, MMUEXT_NEW_USER_BASEPTR, s.one.pages[6]); },
     .tells_late = true},
    {.name = "new_user_baseptr of none",
     .set_up =
         [](Scene& s) {
             pin_tree(s);
             REQUIRE(s.page_types.get_page_and_type(s.one.pages[6], s.one.domain.id(), PageType::l4_table).ok());
             s.one.vcpu.pv.user_root = s.one.pages[6];
         },
     .call = [](Scene& s, unsigned) { return on_frame(s, MMUEXT_NEW_USER_BASEPTR, Mfn{0}); },
     .tells_late = true},
    {.name = "clear_page",
     .set_up = [](Scene& s) { frame_pointer<u64>(s.one.pages[0])[7] = 7; },
     .call = [](Scene& s, unsigned) { return on_frame(s, MMUEXT_CLEAR_PAGE, s.one.pages[0]); },
     .tells_late = true},
    {.name = "copy_page",
     .set_up = [](Scene& s) { frame_pointer<u64>(s.one.pages[0])[7] = 7; },
     .call = [](Scene& s, unsigned) { return on_frame(s, MMUEXT_COPY_PAGE, s.one.pages[1], s.one.pages[0]); },
     .tells_late = true},
    {.name = "set_ldt",
     .set_up = map_descriptors,
     .call =
         [](Scene& s, unsigned) {
             mmuext_op op{};
             op.cmd = MMUEXT_SET_LDT;
             op.arg1.linear_addr = AddressSpace::page(0).raw();
             op.arg2.nr_ents = 16;
             return mmuext(s, s.one.vcpu, {&op, 1});
         },
     .tells_late = true},
    {.name = "tlb_flush_multi", .set_up = nullptr, .call = [](Scene& s, unsigned) { return flush_of_vcpus(s, MMUEXT_TLB_FLUSH_MULTI); }},
    {.name = "invlpg_multi", .set_up = nullptr, .call = [](Scene& s, unsigned) { return flush_of_vcpus(s, MMUEXT_INVLPG_MULTI); }},
    {.name = "update_va_mapping with a flush for some vcpus",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return update_va_mapping(s, UVMF_TLB_FLUSH); }},
    {.name = "update_va_mapping with one page's flush for some vcpus",
     .set_up = nullptr,
     .call = [](Scene& s, unsigned) { return update_va_mapping(s, UVMF_INVLPG); }},
    {.name = "set_gdt",
     .set_up = nullptr,
     .call =
         [](Scene& s, unsigned) -> Call {
             auto& frames = s.arguments<u64>(2);
             for (unsigned i = 0; i < 2; ++i) frames[i] = s.one.pages[i].raw();
             return {s.one.vcpu, __HYPERVISOR_set_gdt, {frames.address(), 600}};
         }},
};

}  // namespace

TEST_CASE("mmu_update, mmuext_op and update_va_mapping fail cleanly wherever they can fail", "[hypercall][faults][page_types]") {
    run_with_faults(kScenarios);
}
