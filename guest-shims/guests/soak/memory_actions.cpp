// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

namespace hospes::guest {

void do_mmu_update(World &world) {
    mmu_update_t requests[8];
    const u32 count = static_cast<u32>(1 + world.random.below(8));
    for (u32 i = 0; i < count; ++i) requests[i] = {world.any_slot() | (world.random.one_in(4) ? world.random.below(8) : 0), world.any_entry()};
    // The machine-to-physical table of our own image stays true: only command 1 on pages of the world may change it.
    for (u32 i = 0; i < count; ++i) {
        if ((requests[i].ptr & 3) == MMU_MACHPHYS_UPDATE) requests[i] = {maddr(world.pages[0].mfn()) | MMU_MACHPHYS_UPDATE, raw(pfn_of(world.pages[0].mfn()))};
    }
    world.counts.add(hv::mmu_update(requests, count, nullptr, world.any_domain()));
}

void do_va_mapping(World &world) {
    // Not the pages' own addresses: their writability is what Page counts on.
    u64 va = world.any_address();
    if (va >= kVirtBase) va = world.window.va(3);
    world.counts.add(hv::update_va_mapping(va, world.any_entry(), world.random.one_in(8) ? world.random.next() : world.random.below(8)));
}

void do_pin(World &world) {
    mmuext_op_t operations[4]{};
    const u32 count = static_cast<u32>(1 + world.random.below(4));
    for (u32 i = 0; i < count; ++i) {
        operations[i].cmd = static_cast<u32>(world.random.below(5));  // pin level 1-4, unpin
        const Page &page = world.any_page();
        operations[i].arg1.mfn = world.random.one_in(6) ? raw(world.any_mfn()) : raw(page.mfn());
        if (operations[i].cmd == MMUEXT_UNPIN_TABLE) operations[i].arg1.mfn = raw(page.mfn());  // not the roots in use
        if (world.random.one_in(2)) world.counts.add(page.make_read_only());
        else if (world.random.one_in(3)) world.counts.add(page.make_writable());
    }
    world.counts.add(hv::mmuext_op(operations, count, nullptr, world.any_domain()));
}

void do_mmuext(World &world) {
    mmuext_op_t operation{};
    constexpr u32 kCommands[] = {MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL, MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI, MMUEXT_TLB_FLUSH_ALL,
                                 MMUEXT_INVLPG_ALL, MMUEXT_FLUSH_CACHE, MMUEXT_CLEAR_PAGE, MMUEXT_COPY_PAGE, 14, 18, 19, 20, 77};
    operation.cmd = kCommands[world.random.below(sizeof kCommands / 4)];
    const bool uses_frame = operation.cmd == MMUEXT_CLEAR_PAGE || operation.cmd == MMUEXT_COPY_PAGE;
    operation.arg1.mfn = uses_frame ? raw(world.any_mfn()) : world.any_address();
    operation.arg2.src_mfn = operation.cmd == MMUEXT_COPY_PAGE ? raw(world.any_mfn()) : world.any_address();
    world.counts.add(hv::mmuext_op(&operation, 1, nullptr, world.any_domain()));
}

void do_table_write(World &world) {
    const u64 value = world.any_entry();
    const unsigned index = static_cast<unsigned>(world.random.below(16));
    volatile u64 *slot = world.random.one_in(8) ? &world.window.l2[1 + index] : &world.window.l1[index];
    const u64 form = world.random.below(4);
    const Fault fault = catch_fault([=] {
        u64 scratch = value;
        if (form == 0) *slot = value;
        else if (form == 1) asm volatile("xchg %0, %1" : "+r"(scratch), "+m"(*slot));
        else if (form == 2) asm volatile("lock andq %1, %0" : "+m"(*slot) : "r"(value) : "cc");
        else *(reinterpret_cast<volatile u32 *>(slot) + (value & 1)) = static_cast<u32>(value);
    });
    ++world.counts.calls;
    world.counts.faults += fault.happened ? 1 : 0;
}

void do_descriptors(World &world) {
    switch (world.random.below(4)) {
        case 0: {
            const u64 frames[2] = {raw(world.any_mfn()), raw(world.any_mfn())};
            world.counts.add(hv::set_gdt(frames, world.random.one_in(4) ? world.random.next() : world.random.below(1024)));
            world.counts.add(hv::set_gdt(nullptr, 0));
            break;
        }
        case 1: {
            const Page &page = world.any_page();
            world.counts.add(hv::update_descriptor(world.random.one_in(4) ? world.any_slot() : page.slot(static_cast<unsigned>(world.random.below(512))), world.random.next()));
            break;
        }
        case 2: world.counts.add(hv::mmuext_linear(MMUEXT_SET_LDT, world.any_address(), world.random.below(9000))); break;
        default: {
            const u16 selector = static_cast<u16>(world.random.next());
            world.counts.faults += catch_fault([selector] { asm volatile("mov %0, %%gs" : : "r"(selector)); }).happened ? 1 : 0;
            asm volatile("mov %0, %%gs" : : "r"(u16{0}));
            ++world.counts.calls;
        }
    }
}

void do_memory(World &world) {
    // Frames of the domain that are mapped nowhere in the boot mapping.
    const u64 first = start_info().first_p2m_pfn + start_info().nr_p2m_frames + 100;
    xen_pfn_t frames[8];
    xen_memory_reservation_t request{};
    request.extent_start.p = frames;
    request.nr_extents = 1 + world.random.below(8);
    request.domid = static_cast<domid_t>(world.any_domain());
    const u64 start = first + world.random.below(64);
    for (u64 i = 0; i < 8; ++i) frames[i] = raw(mfn_of(Pfn{start + i}));
    if (world.random.one_in(8)) frames[world.random.below(8)] = raw(world.any_mfn() == world.window.l1.mfn() ? Mfn{~0ULL} : entry_mfn(world.random.next()));
    const long freed = hv::memory_op(XENMEM_decrease_reservation, &request);
    world.counts.add(freed);
    for (u64 i = 0; i < 8; ++i) frames[i] = start + i;
    request.nr_extents = freed > 0 ? static_cast<u64>(freed) : 0;
    request.domid = DOMID_SELF;
    const long taken = hv::memory_op(XENMEM_populate_physmap, &request);
    world.counts.add(taken);
    for (long i = 0; i < taken; ++i) reinterpret_cast<u64 *>(start_info().mfn_list)[start + static_cast<u64>(i)] = frames[i];
}

}  // namespace hospes::guest
