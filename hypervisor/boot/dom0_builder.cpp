// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/boot/dom0_builder.hpp"

#include "hypervisor/core/domain/dom0_layout.hpp"
#include "hypervisor/core/command_line.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/hypercall/domain_info.hpp"
#include "hypervisor/hypercall/vcpu_context.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/pte.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hospes {
namespace {

constexpr u64 kTableFlags = Pte::kPresent | Pte::kWritable | Pte::kUser | Pte::kAccessed | Pte::kDirty;
constexpr u64 kPageFlags = kTableFlags;
constexpr u64 kReadOnlyFlags = kTableFlags & ~Pte::kWritable;

// dom0's back ends map pages of all domains: the handles that they usually need (2,048) are there from the start, so that serving a domain
// takes no memory that is not given back.
constexpr u32 kMaptrackFrames = 8;

class Dom0Builder {
public:
    Dom0Builder(System& system, Handoff const& handoff) : system_{system}, handoff_{handoff} {}

    Domain& build() {
        read_kernel();
        allocate();
        load_kernel();
        load_ramdisk();
        map_kernel();
        if (kernel_.init_p2m != 0) map_p2m();
        write_p2m();
        write_start_info();
        write_hypercall_stubs();
        start_vcpu();
        HV_INFO("dom0: %lu MiB, kernel %lu KiB, ramdisk %lu KiB", layout_.pages >> 8, kernel_.end >> 10, handoff_.dom0_ramdisk.size >> 10);
        return *domain_;
    }

private:
    std::span<u8 const> image() const {
        return {machine_pointer<u8 const>(MachineAddress{handoff_.dom0_kernel.address}), handoff_.dom0_kernel.size};
    }

    void read_kernel() {
        char const* why = "";
        auto const kernel = read_kernel_image(image(), why);
        if (!kernel.ok()) {
            HV_ERROR("dom0 kernel: %s", why);
            HV_PANIC("no usable dom0 kernel (see hospes.cfg)");
        }
        kernel_ = kernel.value();
        u64 const free = system_.heap.free_pages();
        u64 const wanted = option_size("dom0_mem", u64{512} << 20) >> kPageShift;
        u64 const reserve = free / 16;
        if (wanted > free - reserve) HV_WARN("dom0_mem: %lu MiB are not free, taking %lu MiB", wanted >> 8, (free - reserve) >> 8);
        auto const layout = lay_out_dom0(kernel_, handoff_.dom0_ramdisk.size, std::min(wanted, free - reserve));
        if (!layout.ok()) HV_PANIC("dom0_mem is too small for dom0's kernel and ramdisk");
        layout_ = layout.value();
    }

    // All of dom0's frames, those of the heap in blocks as large as there are; the list of them is the p2m.
    void allocate() {
        auto const domain = create_domain(system_, kDomIdDom0);
        u64 const vcpus = std::clamp<u64>(option_number("dom0_max_vcpus", pcpu_count), 1, kMaxVcpus);
        if (!domain.ok() || !create_vcpus(*domain.value(), static_cast<u32>(vcpus)).ok()) HV_PANIC("no memory for dom0's structures");
        domain_ = domain.value();
        if (!domain_->grants.maptrack().make_room(kMaptrackFrames).ok()) HV_PANIC("no memory for dom0's grant handles");
        domain_->max_pages = layout_.pages;
        unsigned const list_order = static_cast<unsigned>(std::bit_width((layout_.pages * sizeof(u64) - 1) >> kPageShift));
        auto const list = system_.heap.alloc(list_order);
        if (!list.ok()) HV_PANIC("no contiguous memory for dom0's p2m list");
        p2m_frame_ = list.value();
        p2m_order_ = list_order;
        p2m_ = frame_pointer<u64>(p2m_frame_);
        for (Pfn pfn{0}; pfn.raw() < layout_.pages;) {
            Mfn const frame = in_place(pfn);
            pfn = pfn + (frame.is_valid() ? take(pfn, frame, 1) : allocate_run(pfn));
        }
    }

    u64 take(Pfn pfn, Mfn first, u64 count) {
        assign_frames(*domain_, first, count);
        for (u64 i = 0; i < count; ++i) {
            p2m_[pfn.raw() + i] = first.raw() + i;
            set_m2p(first + i, pfn.raw() + i);
        }
        return count;
    }

    // The largest aligned block from the heap that fits before what stays in place. Returns its number of frames.
    u64 allocate_run(Pfn pfn) {
        unsigned const alignment = std::min(static_cast<unsigned>(std::countr_zero(pfn.raw())), kMaxOrder);  // of 0: 64
        u64 const most = std::min(layout_.pages - pfn.raw(), u64{1} << alignment);
        u64 room = 1;
        while (room < most && !in_place(pfn + room).is_valid()) ++room;
        for (unsigned order = static_cast<unsigned>(std::bit_width(room) - 1);; --order) {
            auto const block = system_.heap.alloc_uncleared(order);
            if (block.ok()) return take(pfn, block.value(), u64{1} << order);
            if (order == 0) HV_PANIC("not enough memory for dom0_mem");
        }
    }

    // The loader's frame that holds a page of the kernel or the ramdisk as it has to be: dom0 gets that, and nothing is copied.
    Mfn in_place(Pfn pfn) const {
        u64 address = 0;
        if (layout_.ramdisk.contains(pfn)) {
            address = handoff_.dom0_ramdisk.address + ((pfn - layout_.ramdisk.first) << kPageShift);
        } else if (auto const offset = whole_page_offset(kernel_, pfn)) {
            address = handoff_.dom0_kernel.address + *offset;
        }
        Mfn const frame = mfn_of(MachineAddress{address});
        bool const is_whole = address != 0 && (address & (kPageSize - 1)) == 0;
        return is_whole && system_.frames.is_ram(frame) ? frame : Mfn{};
    }

    Mfn mfn(Pfn pfn) const { return Mfn{p2m_[pfn.raw()]}; }

    void clear(Pfn pfn) { std::memset(frame_pointer(mfn(pfn)), 0, kPageSize); }
    void clear(PfnRange range) {
        for (Pfn pfn = range.first; pfn < range.end(); ++pfn) clear(pfn);
    }

    // Writes `bytes` at the domain's physical address, zeros where `from` is null. What lies in place is not copied.
    void write(u64 address, u8 const* from, u64 bytes) {
        while (bytes > 0) {
            u64 const offset = address & (kPageSize - 1);
            u64 const part = std::min(bytes, kPageSize - offset);
            u8* const to = frame_pointer<u8>(mfn(Pfn{address >> kPageShift})) + offset;
            if (from != nullptr) {
                if (to != from) std::memcpy(to, from, part);
                from += part;
            } else {
                std::memset(to, 0, part);
            }
            address += part;
            bytes -= part;
        }
    }

    void load_kernel() {
        for (unsigned i = 0; i < kernel_.segment_count; ++i) {
            KernelSegment const& segment = kernel_.segments[i];
            write(segment.address, image().data() + segment.offset, segment.file_size);
            write(segment.address + segment.file_size, nullptr, segment.memory_size - segment.file_size);
        }
    }

    void load_ramdisk() {
        u64 const start = layout_.ramdisk.first.raw() << kPageShift;
        u64 const end = start + handoff_.dom0_ramdisk.size;
        write(start, machine_pointer<u8 const>(MachineAddress{handoff_.dom0_ramdisk.address}), handoff_.dom0_ramdisk.size);
        write(end, nullptr, (layout_.ramdisk.end().raw() << kPageShift) - end);  // what the firmware left there
    }

    u64* table(Pfn pfn) { return frame_pointer<u64>(mfn(pfn)); }
    void point(Pfn table_at, u64 index, Pfn pfn, u64 flags) { table(table_at)[index] = Pte::make(mfn(pfn), flags).raw(); }

    // The mapping of pfns 0 to mapped_end at virt_base: one L4, L3, L2, and an L1 each 2 MiB. Tables are mapped read-only.
    void map_kernel() {
        Pfn const l4 = layout_.tables.first;
        Pfn const l3 = l4 + 1, l2 = l4 + 2, first_l1 = l4 + 3;
        clear(layout_.tables);
        point(l4, table_index(kernel_.virt_base, 4), l3, kTableFlags);
        point(l3, table_index(kernel_.virt_base, 3), l2, kTableFlags);
        for (Pfn pfn{0}; pfn < layout_.mapped_end; ++pfn) {
            u64 const address = virtual_address(pfn);
            Pfn const l1 = first_l1 + pfn.raw() / kEntriesPerTable;
            point(l2, table_index(address, 2), l1, kTableFlags);
            point(l1, table_index(address, 1), pfn, layout_.tables.contains(pfn) ? kReadOnlyFlags : kPageFlags);
        }
    }

    void map_p2m() {
        Pfn const l3 = layout_.p2m_tables.first;
        Pfn const first_l2 = l3 + 1, first_l1 = first_l2 + layout_.p2m_l2s;
        clear(layout_.p2m_tables);
        point(layout_.tables.first, table_index(kernel_.init_p2m, 4), l3, kTableFlags);
        for (u64 i = 0; i < layout_.p2m.count; ++i) {
            u64 const address = kernel_.init_p2m + (i << kPageShift);
            Pfn const l1 = first_l1 + i / kEntriesPerTable;
            Pfn const l2 = first_l2 + i / kEntriesPerTable / kEntriesPerTable;
            point(l3, table_index(address, 3), l2, kTableFlags);
            point(l2, table_index(address, 2), l1, kTableFlags);
            point(l1, table_index(address, 1), layout_.p2m.first + i, kPageFlags);
        }
    }

    void write_p2m() {
        u64 const bytes = layout_.pages * sizeof(u64);
        u64 const address = layout_.p2m.first.raw() << kPageShift;
        write(address, reinterpret_cast<u8 const*>(p2m_), bytes);
        u64 const last = address + bytes;
        u64 const rest = (kPageSize - (last & (kPageSize - 1))) & (kPageSize - 1);
        write(last, nullptr, rest);
    }

    u64 virtual_address(Pfn pfn) const { return kernel_.virt_base + (pfn.raw() << kPageShift); }

    void write_start_info() {
        clear(layout_.start_info);
        auto& info = *frame_pointer<start_info_t>(mfn(layout_.start_info));
        std::memcpy(info.magic, "xen-3.0-x86_64", sizeof "xen-3.0-x86_64");
        info.nr_pages = layout_.pages;
        info.shared_info = maddr_of(domain_->shared_info_frame).raw();
        info.flags = SIF_PRIVILEGED | SIF_INITDOMAIN | SIF_MOD_START_PFN;
        info.pt_base = virtual_address(layout_.tables.first);
        info.nr_pt_frames = layout_.tables.count;
        info.mfn_list = kernel_.init_p2m != 0 ? kernel_.init_p2m : virtual_address(layout_.p2m.first);
        if (kernel_.init_p2m != 0) {
            info.first_p2m_pfn = layout_.p2m.first.raw();
            info.nr_p2m_frames = layout_.p2m.count + layout_.p2m_tables.count;
        }
        if (handoff_.dom0_ramdisk.size != 0) {
            info.mod_start = layout_.ramdisk.first.raw();
            info.mod_len = handoff_.dom0_ramdisk.size;
        }
        u64 const length = std::min<u64>(handoff_.dom0_command.length, sizeof info.cmd_line - 1);
        std::memcpy(info.cmd_line, machine_pointer<char const>(MachineAddress{handoff_.dom0_command.address}), length);
        write_console_info(info);
    }

    // The framebuffer, behind start_info in its page.
    void write_console_info(start_info_t& info) {
        Framebuffer const& fb = handoff_.framebuffer;
        if (fb.format == PixelFormat::none || fb.width == 0) return;
        auto& console = *reinterpret_cast<dom0_vga_console_info_t*>(reinterpret_cast<u8*>(&info) + sizeof info);
        console.video_type = XEN_VGATYPE_EFI_LFB;
        auto& lfb = console.u.vesa_lfb;
        lfb.width = static_cast<u16>(fb.width);
        lfb.height = static_cast<u16>(fb.height);
        lfb.bytes_per_line = static_cast<u16>(fb.pixels_per_line * 4);
        lfb.bits_per_pixel = 32;
        lfb.lfb_base = static_cast<u32>(fb.base);
        lfb.ext_lfb_base = static_cast<u32>(fb.base >> 32);
        lfb.lfb_size = static_cast<u32>((fb.bytes + 0xffff) >> 16);
        auto const set_field = [](u32 mask, u8& position, u8& size) {
            position = mask == 0 ? u8{0} : static_cast<u8>(std::countr_zero(mask));
            size = static_cast<u8>(std::popcount(mask));
        };
        set_field(fb.red_mask, lfb.red_pos, lfb.red_size);
        set_field(fb.green_mask, lfb.green_pos, lfb.green_size);
        set_field(fb.blue_mask, lfb.blue_pos, lfb.blue_size);
        set_field(fb.unused_mask, lfb.rsvd_pos, lfb.rsvd_size);
        info.console.dom0.info_off = sizeof info;
        info.console.dom0.info_size = sizeof console;
    }

    void write_hypercall_stubs() {
        if (kernel_.hypercall_page == 0) return;
        Pfn const pfn{(kernel_.hypercall_page - kernel_.virt_base) >> kPageShift};
        if (pfn >= layout_.mapped_end) HV_PANIC("dom0's hypercall page lies outside the kernel");
        write_hypercall_page(frame_pointer<u8>(mfn(pfn)));
    }

    // What asks for a continuation is simply called again: nothing else waits for the processor yet.
    template <typename Step>
    static Status finish(Step step) {
        while (true) {
            Status const status = step();
            if (status.ok() || status.error() != Errno::restart) return status;
        }
    }

    // Through the same doors as any guest: the tables are validated, the context is checked.
    void start_vcpu() {
        Mfn const root = mfn(layout_.tables.first);
        system_.heap.free(p2m_frame_, p2m_order_);
        Status const pinned = finish([&] { return system_.page_types.pin(root, *domain_, PageType::l4_table); });
        if (!pinned.ok()) HV_PANIC("dom0's initial page tables are not valid");
        static constinit vcpu_guest_context_t context{};  // large, and needed once
        context.flags = VGCF_in_kernel | VGCF_online;
        context.user_regs.rip = kernel_.entry;
        context.user_regs.rsp = virtual_address(layout_.stack + 1);
        context.user_regs.rsi = virtual_address(layout_.start_info);
        context.user_regs.rflags = kRflagsIf | kRflagsFixed;
        context.user_regs.cs = kGuestCs64;
        context.user_regs.ss = kGuestSs;
        context.kernel_ss = kGuestSs;
        context.kernel_sp = context.user_regs.rsp;
        context.ctrlreg[3] = maddr_of(root).raw();
        context.debugreg[6] = 0xffff'0ff0;
        context.debugreg[7] = 0x400;
        Vcpu& vcpu = *domain_->vcpus[0];
        Status const loaded = finish([&] { return load_context(vcpu, context); });
        if (!loaded.ok()) HV_PANIC("dom0's start context was refused");
        system_.scheduler.set_up(vcpu);
    }

    System& system_;
    Handoff const& handoff_;
    KernelImage kernel_;
    Dom0Layout layout_;
    Domain* domain_ = nullptr;
    Mfn p2m_frame_;
    unsigned p2m_order_ = 0;
    u64* p2m_ = nullptr;
};

}  // namespace

Domain& build_dom0(System& system, Handoff const& handoff) { return Dom0Builder{system, handoff}.build(); }

}  // namespace hospes
