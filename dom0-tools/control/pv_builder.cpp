// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/pv_builder.hpp"

#include "dom0-tools/control/domain_memory.hpp"
#include "dom0-tools/control/hypercall_page.hpp"
#include "dom0-tools/control/pv_page_tables.hpp"

#include <algorithm>
#include <cstring>

namespace hospes::control {
namespace {

constexpr unsigned kAddressBits = 64;
constexpr std::uint64_t kFlatCode = FLAT_RING3_CS64;
constexpr std::uint64_t kFlatStack = FLAT_RING3_SS64;
constexpr std::uint64_t kInterruptFlag = 1 << 9;
constexpr std::uint64_t kDr6Reset = 0xffff0ff0;
constexpr std::uint64_t kDr7Reset = 0x400;

class Builder {
public:
    Builder(Privcmd& privcmd, DomId domain, DomainConfig const& config, KernelImage const& kernel,
            std::span<std::byte const> ramdisk, PvLayout const& layout, DomainMemory const& memory, Mfn shared_info)
        : privcmd_{privcmd}, domain_{domain}, config_{config}, kernel_{kernel}, ramdisk_{ramdisk}, layout_{layout},
          memory_{memory}, shared_info_{shared_info} {}

    Result<BuiltDomain> build() {
        built_.store_ring = memory_.mfn_of(layout_.store_ring);
        built_.console_ring = memory_.mfn_of(layout_.console_ring);
        using Step = Status (Builder::*)();
        for (Step const step : {&Builder::allocate_ports, &Builder::load_kernel, &Builder::load_ramdisk,
                                &Builder::write_p2m, &Builder::write_boot_pages, &Builder::write_hypercall_page,
                                &Builder::grant_rings, &Builder::prepare_shared_info, &Builder::start_first_vcpu}) {
            HV_TRY((this->*step)());
        }
        return built_;
    }

private:
    Status allocate_ports() {
        built_.store_port = HV_TRY(privcmd_.alloc_unbound_port(domain_, kDomIdDom0));
        built_.console_port = HV_TRY(privcmd_.alloc_unbound_port(domain_, kDomIdDom0));
        return {};
    }

    Status load_kernel() {
        for (auto const& segment : kernel_.elf.segments) {
            HV_TRY(memory_.write(segment.paddr - kernel_.notes.paddr_offset, segment.content));
        }
        return {};
    }

    Status load_ramdisk() {
        return memory_.write(layout_.ramdisk.first.raw() * kPageSize, ramdisk_);
    }

    MfnOf mfn_of() const {
        return [this](Pfn pfn) { return memory_.mfn_of(pfn); };
    }

    // The last page of the list is filled up with entries that name no frame.
    Status write_p2m() {
        auto const mapping = HV_TRY(memory_.map(layout_.p2m));
        auto const list_bytes = layout_.p2m_list_pages * kPageSize;
        auto const frames = memory_.frames();
        std::vector<std::uint64_t> list(list_bytes / sizeof(std::uint64_t), ~std::uint64_t{0});
        std::ranges::transform(frames, list.begin(), [](Mfn mfn) { return mfn.raw(); });
        std::memcpy(mapping.bytes().data(), list.data(), list_bytes);
        auto const tables = mapping.bytes().subspan(list_bytes);
        std::ranges::fill(tables, std::byte{0});
        if (!tables.empty()) fill_p2m_tables(layout_, mfn_of(), tables);
        return {};
    }

    // start_info, rings, page tables and stack lie one after the other: one mapping serves all.
    Status write_boot_pages() {
        FrameRange const range{layout_.start_info, layout_.boot_stack.raw() + 1 - layout_.start_info.raw()};
        auto const mapping = HV_TRY(memory_.map(range));
        std::ranges::fill(mapping.bytes(), std::byte{0});
        auto const info = start_info();
        std::memcpy(mapping.bytes().data(), &info, sizeof(info));
        auto const first_table = layout_.tables.first.raw() - range.first.raw();
        auto const tables = mapping.bytes().subspan(first_table * kPageSize, layout_.tables.count * kPageSize);
        fill_boot_tables(layout_, mfn_of(), tables);
        if (layout_.p2m_tables.total() > 0) link_p2m_tables(layout_, mfn_of(), tables.first(kPageSize));
        return {};
    }

    start_info_t start_info() const {
        start_info_t info{};
        constexpr std::string_view kMagic = "xen-3.0-x86_64";
        kMagic.copy(info.magic, sizeof(info.magic) - 1);
        info.nr_pages = layout_.pages;
        info.shared_info = shared_info_.raw() * kPageSize;
        info.flags = SIF_VIRT_P2M_4TOOLS;
        info.store_mfn = built_.store_ring.raw();
        info.store_evtchn = built_.store_port.raw();
        info.console.domU.mfn = built_.console_ring.raw();
        info.console.domU.evtchn = built_.console_port.raw();
        info.pt_base = layout_.vaddr_of(layout_.tables.first);
        info.nr_pt_frames = layout_.tables.count;
        info.mfn_list = layout_.p2m_vaddr;
        if (!ramdisk_.empty()) {
            info.mod_start = layout_.ramdisk_is_mapped ? layout_.vaddr_of(layout_.ramdisk.first) : layout_.ramdisk.first.raw();
            info.mod_len = ramdisk_.size();
            if (!layout_.ramdisk_is_mapped) info.flags |= SIF_MOD_START_PFN;
        }
        config_.command_line.copy(reinterpret_cast<char*>(info.cmd_line), sizeof(info.cmd_line) - 1);
        if (layout_.p2m_tables.total() > 0) {
            info.first_p2m_pfn = layout_.p2m.first.raw();
            info.nr_p2m_frames = layout_.p2m.count;
        }
        return info;
    }

    Status write_hypercall_page() {
        if (!kernel_.notes.hypercall_page) return {};
        auto const offset = *kernel_.notes.hypercall_page - layout_.virt_base;
        Pfn const pfn{offset / kPageSize};
        if (offset % kPageSize != 0 || !layout_.kernel.contains(pfn)) {
            return fail(EINVAL, "the kernel wants its hypercall page at {:#x}, which is no page of the kernel",
                        *kernel_.notes.hypercall_page);
        }
        auto const mapping = HV_TRY(memory_.map({pfn, 1}));
        fill_hypercall_page(mapping.bytes().first<kPageSize>());
        return {};
    }

    // Two entries of the grant table are spoken for: dom0's daemons map the rings by them.
    Status grant_rings() {
        auto const mapping = HV_TRY(privcmd_.map_grant_table(domain_));
        auto const grant = [&](unsigned reference, Mfn ring) {
            grant_entry_v1_t entry{};
            entry.flags = GTF_permit_access;
            entry.domid = kDomIdDom0.raw();
            entry.frame = static_cast<std::uint32_t>(ring.raw());
            std::memcpy(mapping.bytes().data() + reference * sizeof(entry), &entry, sizeof(entry));
        };
        grant(GNTTAB_RESERVED_CONSOLE, built_.console_ring);
        grant(GNTTAB_RESERVED_XENSTORE, built_.store_ring);
        return {};
    }

    // Upcalls stay masked until the kernel has put its callbacks in place and unmasks them itself.
    Status prepare_shared_info() {
        std::array const frame{shared_info_};
        auto const mapping = HV_TRY(privcmd_.map_foreign(domain_, frame));
        std::ranges::fill(mapping.bytes(), std::byte{0});
        auto* const shared = reinterpret_cast<shared_info_t*>(mapping.bytes().data());
        for (auto& vcpu : shared->vcpu_info) vcpu.evtchn_upcall_mask = 1;
        return {};
    }

    Status start_first_vcpu() {
        auto const l4 = memory_.mfn_of(layout_.tables.first);
        HV_TRY(privcmd_.pin_l4_table(domain_, l4));
        vcpu_guest_context_t context{};
        context.flags = VGCF_in_kernel | VGCF_online;
        auto& regs = context.user_regs;
        regs.rip = kernel_.notes.entry;
        regs.rsp = layout_.vaddr_of(layout_.boot_stack) + kPageSize;
        regs.rsi = layout_.vaddr_of(layout_.start_info);
        regs.rflags = kInterruptFlag;
        regs.cs = static_cast<std::uint16_t>(kFlatCode);
        regs.ss = static_cast<std::uint16_t>(kFlatStack);
        context.kernel_ss = kFlatStack;
        context.kernel_sp = regs.rsp;
        context.ctrlreg[3] = l4.raw() << kPageShift;
        context.debugreg[6] = kDr6Reset;
        context.debugreg[7] = kDr7Reset;
        return privcmd_.set_vcpu_context(domain_, VcpuId{0}, context);
    }

    Privcmd& privcmd_;
    DomId domain_;
    DomainConfig const& config_;
    KernelImage const& kernel_;
    std::span<std::byte const> ramdisk_;
    PvLayout const& layout_;
    DomainMemory const& memory_;
    Mfn shared_info_;
    BuiltDomain built_;
};

Result<Mfn> shared_info_of(Privcmd& privcmd, DomId domain) {
    auto const info = HV_TRY(privcmd.domain_info(domain));
    if (info) return info->shared_info;
    return fail(ESRCH, "domain {} has vanished while it was built", domain.raw());
}

}  // namespace

Result<BuiltDomain> build_pv_domain(Privcmd& privcmd, DomId domain, DomainConfig const& config,
                                    KernelImage const& kernel, std::span<std::byte const> ramdisk) {
    auto const layout = HV_TRY(plan_layout(kernel, config.memory_bytes, ramdisk.size()));
    HV_TRY(privcmd.set_max_vcpus(domain, config.vcpus));
    HV_TRY(privcmd.set_max_memory(domain, config.memory_bytes / 1024));
    HV_TRY(privcmd.set_address_size(domain, kAddressBits));
    auto const memory = HV_TRY(DomainMemory::populate(privcmd, domain, layout.pages));
    auto const shared_info = HV_TRY(shared_info_of(privcmd, domain));
    return Builder{privcmd, domain, config, kernel, ramdisk, layout, memory, shared_info}.build();
}

}  // namespace hospes::control
