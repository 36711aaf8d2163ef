// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/pcpu_area.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/machine/entry.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/layout.hpp"
#include "hypervisor/x86/pte.hpp"

namespace hospes {
namespace {

constexpr u64 kTableFlags = Pte::kPresent | Pte::kWritable | Pte::kAccessed;
constexpr u64 kDataFlags = Pte::kPresent | Pte::kWritable | Pte::kAccessed | Pte::kDirty | Pte::kNoExecute;
constexpr u64 kCodeFlags = Pte::kPresent | Pte::kAccessed;
constexpr unsigned kGdtWindowIndex = kAreaGdt >> kPageShift;
constexpr unsigned kLdtWindowIndex = kAreaLdt >> kPageShift;

alignas(kPageSize) constinit u64 area_l3[kEntriesPerTable];
alignas(kPageSize) constinit u64 area_l2[kEntriesPerTable];
static_assert(kAreaStacks % kStackBlockBytes == 0);
static_assert(kPcpuAreaStride == u64{kEntriesPerTable} << kPageShift, "one level-1 table for each area");

struct AreaPages {
    alignas(kPageSize) u64 l1[kEntriesPerTable];
    alignas(kPageSize) u8 data[kPageSize];
    alignas(kPageSize) u8 tss[3 * kPageSize];
    alignas(kPageSize) u64 gdt[2 * kPageSize / sizeof(u64)];
};
static_assert(sizeof(TssWithPorts) <= 3 * kPageSize);
static_assert(sizeof(AreaPages) <= kPageSize << kAreaPagesOrder);
constinit AreaPages boot_area_pages{};

// Where a guest has no descriptors there are null ones: an access faults on the selector, as on a bare processor, and not on a page of ours.
alignas(kPageSize) constinit u64 const null_descriptors[kEntriesPerTable]{};
constinit u64 null_descriptors_entry = 0;

void map_core_page(u64* l1, u64 offset, void const* page, u64 flags) {
    l1[offset >> kPageShift] = Pte::make(mfn_of(machine_address_of(page)), flags).raw();
}

// From here on the pcpu knows its stacks by these addresses only.
void map_stacks(Pcpu& pcpu, u64* l1, u64 base) {
    *reinterpret_cast<Pcpu**>(pcpu.stack_block + kStackBlockBytes - 8) = &pcpu;
    for (u64 offset = 0; offset < kStackBlockBytes; offset += kPageSize)
        if (!is_stack_guard(offset)) map_core_page(l1, kAreaStacks + offset, pcpu.stack_block + offset, kDataFlags);
    pcpu.stack_block = reinterpret_cast<u8*>(base + kAreaStacks);
}

void fill_descriptors(Pcpu& pcpu, u64 base) {
    auto const at = [&pcpu](u16 selector) -> u64& { return pcpu.gdt[(selector - kFirstReservedGdtByte) / 8]; };
    at(kCoreCs) = kFlatCode64Dpl0;
    at(kCoreSs) = kFlatDataDpl0;
    at(kGuestCs32 & ~7) = kFlatCode32Dpl3;
    at(kGuestSs & ~7) = kFlatDataDpl3;
    at(kGuestCs64 & ~7) = kFlatCode64Dpl3;
    at(kTssSelector) = system_descriptor(base + kAreaTss, sizeof(TssWithPorts) - 1, kSystemTypeTss);
    at(kTssSelector + 8) = (base + kAreaTss) >> 32;
}

void fill_tss(Pcpu& pcpu) {
    Tss& tss = pcpu.tss->tss;
    tss.rsp[0] = pcpu.stack_top();  // until a vcpu is loaded
    for (unsigned i = 0; i < kIstStacks; ++i) tss.ist[i] = reinterpret_cast<u64>(pcpu.stack_block) + (i + 1) * kIstStackBytes;
    tss.io_bitmap_offset = kNoIoBitmap;
    for (u8& byte : pcpu.tss->denied) byte = 0xff;
}

}  // namespace

MachineAddress machine_address_of(void const* object) {
    u64 const address = reinterpret_cast<u64>(object);
    u64 table = read_cr3() & Pte::kFrameMask;
    for (unsigned level = 4; level >= 1; --level) {
        Pte const entry{machine_pointer<u64>(MachineAddress{table})[table_index(address, level)]};
        HV_ASSERT(entry.is_present());
        u64 const span = u64{1} << (kPageShift + 9 * (level - 1));
        table = entry.raw() & Pte::kFrameMask;
        if (level == 1 || (level <= 3 && entry.has(Pte::kPageSizeOrPat))) return MachineAddress{(table & ~(span - 1)) | (address & (span - 1))};
    }
    HV_PANIC("no translation of a core object");
}

u64 pcpu_area_base(PcpuId id) { return kPcpuAreaBase + id.raw() * kPcpuAreaStride; }

u64 pcpu_area_root_entry() { return Pte::make(mfn_of(machine_address_of(area_l3)), kTableFlags).raw(); }

void build_boot_pcpu_area(Pcpu& pcpu) { build_pcpu_area(pcpu, &boot_area_pages); }

void build_pcpu_area(Pcpu& pcpu, void* memory) {
    static_assert(table_index(kPcpuAreaBase, 4) == kPcpuAreaSlot);
    u64 const base = pcpu_area_base(pcpu.id);
    null_descriptors_entry = Pte::make(mfn_of(machine_address_of(null_descriptors)), kCodeFlags | Pte::kNoExecute).raw();
    AreaPages& pages = *static_cast<AreaPages*>(memory);
    area_l3[table_index(base, 3)] = Pte::make(mfn_of(machine_address_of(area_l2)), kTableFlags).raw();
    area_l2[table_index(base, 2)] = Pte::make(mfn_of(machine_address_of(pages.l1)), kTableFlags).raw();

    map_core_page(pages.l1, kAreaTrampoline, syscall_trampoline, kCodeFlags);
    map_core_page(pages.l1, kAreaData, pages.data, kDataFlags);
    for (u64 page = 0; page < 3; ++page) map_core_page(pages.l1, kAreaTss + page * kPageSize, pages.tss + page * kPageSize, kDataFlags);
    for (u64 page = 0; page < 2; ++page)
        map_core_page(pages.l1, kAreaGdt + (kGuestGdtFrames + page) * kPageSize, pages.gdt + page * kEntriesPerTable, kDataFlags);

    map_stacks(pcpu, pages.l1, base);

    pcpu.area_l1 = pages.l1;
    pcpu.trampoline = reinterpret_cast<TrampolineData*>(pages.data);
    pcpu.tss = reinterpret_cast<TssWithPorts*>(pages.tss);
    pcpu.gdt = pages.gdt;
    pcpu.trampoline->syscall_entry = reinterpret_cast<u64>(&syscall_entry);
    pcpu.trampoline->compat_entry = reinterpret_cast<u64>(&compat_syscall_entry);
    pcpu.trampoline->regs_end = pcpu.stack_top();
    fill_descriptors(pcpu, base);
    fill_tss(pcpu);
}

void write_gdt_window(Pcpu& pcpu, Vcpu const* vcpu) {
    for (unsigned i = 0; i < kGuestGdtFrames; ++i) {
        Mfn const frame = vcpu != nullptr ? vcpu->pv.gdt_frames[i] : Mfn{};
        pcpu.area_l1[kGdtWindowIndex + i] = frame.is_valid() ? Pte::make(frame, kDataFlags).raw() : null_descriptors_entry;
    }
}

void write_ldt_window(Pcpu& pcpu, Vcpu const* vcpu) {
    for (unsigned i = 0; i < kMaxLdtFrames; ++i) {
        Mfn const frame = vcpu != nullptr && vcpu->pv.ldt_entries != 0 ? vcpu->pv.ldt_frames[i] : Mfn{};
        pcpu.area_l1[kLdtWindowIndex + i] = frame.is_valid() ? Pte::make(frame, kDataFlags).raw() : 0;
    }
}

void load_ldt_register(Pcpu& pcpu, u32 entries) {
    if (entries == 0) {
        load_ldt(0);
        return;
    }
    u64 const base = pcpu_area_base(pcpu.id) + kAreaLdt;
    u64* const descriptor = &pcpu.gdt[(kLdtSelector - kFirstReservedGdtByte) / 8];
    descriptor[0] = system_descriptor(base, u64{entries} * 8 - 1, kSystemTypeLdt);
    descriptor[1] = base >> 32;
    load_ldt(kLdtSelector);
}

}  // namespace hospes
