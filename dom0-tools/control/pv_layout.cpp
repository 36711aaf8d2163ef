// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/pv_layout.hpp"

#include <algorithm>

namespace hospes::control {
namespace {

constexpr std::uint64_t kPadding = std::uint64_t{512} << 10;
constexpr std::uint64_t kMappedMultiple = std::uint64_t{4} << 20;
constexpr std::uint64_t kL1Span = std::uint64_t{1} << 21;  // bytes that one table of a level maps
constexpr std::uint64_t kL2Span = std::uint64_t{1} << 30;
constexpr std::uint64_t kL3Span = std::uint64_t{1} << 39;
constexpr std::uint64_t kMostMapped = std::uint64_t{1} << 19;  // pages: 2 GiB, up to the end of the address space
constexpr std::uint64_t kP2mEntriesPerPage = kPageSize / 8;

std::uint64_t pages_of(std::uint64_t bytes) { return (bytes + kPageSize - 1) / kPageSize; }

std::uint64_t tables_for(std::uint64_t vaddr, std::uint64_t bytes, std::uint64_t span) {
    return (vaddr + bytes - 1) / span - vaddr / span + 1;
}

TableCounts counts_for(std::uint64_t vaddr, std::uint64_t bytes) {
    return {tables_for(vaddr, bytes, kL3Span), tables_for(vaddr, bytes, kL2Span), tables_for(vaddr, bytes, kL1Span)};
}

bool is_canonical(std::uint64_t vaddr) { return vaddr < (1ull << 47) || vaddr >= (~0ull << 47); }

class Planner {
public:
    Planner(KernelImage const& kernel, std::uint64_t memory, std::uint64_t ramdisk)
        : kernel_{kernel}, ramdisk_pages_{pages_of(ramdisk)} {
        plan_.pages = memory / kPageSize;
        plan_.virt_base = kernel.notes.virt_base;
    }

    Result<PvLayout> plan() {
        HV_TRY(place_kernel());
        bool const own_p2m_place = kernel_.notes.p2m_base.has_value();
        if (own_p2m_place) HV_TRY(check_p2m_base());
        plan_.ramdisk_is_mapped = ramdisk_pages_ > 0 && !kernel_.notes.ramdisk_by_pfn;
        if (plan_.ramdisk_is_mapped) plan_.ramdisk = take(ramdisk_pages_);
        plan_.p2m_list_pages = (plan_.pages + kP2mEntriesPerPage - 1) / kP2mEntriesPerPage;
        if (!own_p2m_place) place_p2m_in_mapping();
        place_boot_pages();
        if (plan_.mapped_pages > kMostMapped) return fail(EINVAL, "the kernel and its ramdisk are larger than 2 GiB");
        if (!plan_.ramdisk_is_mapped) plan_.ramdisk = take(ramdisk_pages_);
        if (own_p2m_place) place_p2m_behind();
        if (next_.raw() > plan_.pages) return too_little_memory();
        return plan_;
    }

private:
    FrameRange take(std::uint64_t count) {
        FrameRange const range{next_, count};
        next_ = next_ + count;
        return range;
    }

    Status place_kernel() {
        auto const offset = kernel_.notes.paddr_offset;
        std::uint64_t lowest = ~std::uint64_t{0};
        std::uint64_t highest = 0;
        for (auto const& segment : kernel_.elf.segments) {
            if (segment.paddr < offset) {
                return fail(EINVAL, "the kernel has a segment at {:#x}, below its start of memory {:#x}", segment.paddr, offset);
            }
            lowest = std::min(lowest, segment.paddr - offset);
            highest = std::max(highest, segment.paddr - offset + segment.memory_size);
        }
        constexpr std::uint64_t kMost = std::uint64_t{1} << 30;
        auto const base = plan_.virt_base;
        bool const fits = base % kL1Span == 0 && is_canonical(base) && highest <= kMost && base + 2 * kMost - 1 > base;
        if (!fits) {
            return fail(EINVAL, "the kernel wants {} bytes at {:#x}, which cannot be mapped", highest, base);
        }
        next_ = Pfn{pages_of(highest)};
        plan_.kernel = {Pfn{lowest / kPageSize}, next_.raw() - lowest / kPageSize};
        return {};
    }

    Status check_p2m_base() const {
        auto const base = *kernel_.notes.p2m_base;
        if (base % kL3Span == 0 && is_canonical(base) && base / kL3Span != plan_.virt_base / kL3Span) return {};
        return fail(EINVAL, "the kernel wants its p2m list at {:#x}; it needs an L4 entry of its own", base);
    }

    void place_p2m_in_mapping() {
        plan_.p2m = take(plan_.p2m_list_pages);
        plan_.p2m_vaddr = plan_.vaddr_of(plan_.p2m.first);
    }

    // The page tables map themselves, too: repeat until their number stays.
    void place_boot_pages() {
        plan_.start_info = take(1).first;
        plan_.store_ring = take(1).first;
        plan_.console_ring = take(1).first;
        std::uint64_t tables = 1;
        std::uint64_t mapped = 0;
        for (std::uint64_t before = 0; before != tables;) {
            before = tables;
            auto const used = (next_.raw() + tables + 1) * kPageSize;
            mapped = (used + kPadding + kMappedMultiple - 1) / kMappedMultiple * kMappedMultiple;
            plan_.table_counts = counts_for(plan_.virt_base, mapped);
            tables = 1 + plan_.table_counts.total();
        }
        plan_.tables = take(tables);
        plan_.boot_stack = take(1).first;
        plan_.mapped_pages = mapped / kPageSize;
        next_ = Pfn{plan_.mapped_pages};
    }

    void place_p2m_behind() {
        plan_.p2m_vaddr = *kernel_.notes.p2m_base;
        plan_.p2m_tables = counts_for(plan_.p2m_vaddr, plan_.p2m_list_pages * kPageSize);
        plan_.p2m = take(plan_.p2m_list_pages + plan_.p2m_tables.total());
    }

    std::unexpected<Error> too_little_memory() const {
        constexpr std::uint64_t kPagesPerMiB = 256;
        return fail(ENOMEM, "the kernel and its ramdisk need {} MiB to start, and the domain's <memory> is {} MiB; give it more",
                    (next_.raw() + kPagesPerMiB - 1) / kPagesPerMiB, plan_.pages / kPagesPerMiB);
    }

    KernelImage const& kernel_;
    std::uint64_t ramdisk_pages_;
    PvLayout plan_;
    Pfn next_{0};
};

}  // namespace

Result<PvLayout> plan_layout(KernelImage const& kernel, std::uint64_t memory_bytes, std::uint64_t ramdisk_bytes) {
    return Planner{kernel, memory_bytes, ramdisk_bytes}.plan();
}

}  // namespace hospes::control
