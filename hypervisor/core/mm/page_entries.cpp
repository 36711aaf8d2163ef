// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/page_entries.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/frame_table.hpp"

#include <array>

namespace hospes {
namespace {

constexpr u64 kCommonBits = Pte::kPresent | Pte::kWritable | Pte::kUser | Pte::kAccessed | Pte::kAvailable | Pte::kAvailableHigh |
                            Pte::kNoExecute | Pte::kFrameMask;
constexpr u64 kLevel1Bits = kCommonBits | Pte::kDirty | Pte::kGlobal;  // global is without effect: the core runs with CR4.PGE off
constexpr u64 kUpperBits = kCommonBits | Pte::kDirty;                  // no superpages, no cache bits, nothing reserved

struct DeniedRange {
    u64 first = 0;
    u64 end = 0;
};

constinit std::array<DeniedRange, kMaxDeniedRanges> denied_ranges{};
constinit unsigned denied_count = 0;
constinit u64 physical_frame_limit = u64{1} << 40;

u64 allowed_bits(Domain const& owner, unsigned level) {
    if (level > 1) return kUpperBits;
    return owner.is_hardware_domain() ? kLevel1Bits | Pte::kCacheBits : kLevel1Bits;
}

// On MMIO write-back becomes uncached, write-through and write-protect likewise; UC-, UC and WC stay as asked.
// (PAT as the ABI fixes it: 0 WB, 1 WT, 2 UC-, 3 UC, 4 WC, 5 WP, 6 and 7 UC.)
Pte with_mmio_caching(Pte pte) {
    bool const pat = pte.has(Pte::kPageSizeOrPat);
    bool const pcd = pte.has(Pte::kCacheDisable);
    bool const pwt = pte.has(Pte::kWriteThrough);
    bool const write_combining = pat && !pcd && !pwt;
    if (write_combining || (!pat && pcd)) return pte;
    return pte.without(Pte::kCacheBits).with(Pte::kCacheDisable | Pte::kWriteThrough);
}

Result<Pte> get_level1_mmio(EntryScope const& scope, Pte pte) {
    if (!scope.table_owner.is_hardware_domain()) return Errno::perm;
    if (scope.frame_owner != scope.table_owner.id() && scope.frame_owner != kDomIdIo) return Errno::invalid;
    if (!is_mappable_mmio(pte.mfn())) return Errno::perm;
    return with_mmio_caching(pte).with(Pte::kUser);
}

Result<Pte> get_level1(System& system, EntryScope const& scope, Pte pte) {
    if ((pte.raw() & ~allowed_bits(scope.table_owner, 1)) != 0) return Errno::invalid;
    FrameEntry* const frame = system.frames.find(pte.mfn());
    if (frame == nullptr || !frame->is_ram()) return get_level1_mmio(scope, pte);

    PageTypes& types = system.page_types;
    HV_TRY(pte.is_writable() ? types.get_page_and_type(pte.mfn(), *frame, scope.frame_owner, PageType::writable)
                             : types.get_page(*frame, scope.frame_owner));
    return pte.with(Pte::kUser);
}

Result<Pte> get_upper(System& system, EntryScope const& scope, unsigned level, Pte pte) {
    if ((pte.raw() & ~allowed_bits(scope.table_owner, level)) != 0) return Errno::invalid;
    if (scope.frame_owner != scope.table_owner.id()) return Errno::invalid;
    HV_TRY(system.page_types.get_page_and_type(pte.mfn(), scope.frame_owner, table_type(level - 1)));
    return pte.with(Pte::kUser);
}

}  // namespace

Result<Pte> get_entry(System& system, EntryScope const& scope, unsigned level, Pte pte) {
    if (!pte.is_present()) return pte;
    return level == 1 ? get_level1(system, scope, pte) : get_upper(system, scope, level, pte);
}

void put_entry(System& system, unsigned level, Pte pte) {
    if (!pte.is_present()) return;
    FrameEntry* const frame = system.frames.find(pte.mfn());
    if (frame == nullptr || !frame->is_ram()) return;
    if (level > 1 || pte.is_writable()) system.page_types.put_type(pte.mfn(), *frame);
    system.page_types.put_page(pte.mfn(), *frame);
}

bool is_allowed_entry(Domain const& owner, unsigned level, Pte entry, bool is_ram) {
    bool const has_right_bits = (entry.raw() & ~allowed_bits(owner, level)) == 0 && entry.has(Pte::kUser);
    return has_right_bits && (is_ram || (level == 1 && owner.is_hardware_domain() && is_mappable_mmio(entry.mfn())));
}

bool is_mappable_mmio(Mfn mfn) {
    if (mfn.raw() >= physical_frame_limit) return false;
    for (unsigned i = 0; i < denied_count; ++i) {
        if (mfn.raw() >= denied_ranges[i].first && mfn.raw() < denied_ranges[i].end) return false;
    }
    return true;
}

void deny_mmio(Mfn first, u64 count) {
    HV_ASSERT(denied_count < kMaxDeniedRanges);
    denied_ranges[denied_count++] = {first.raw(), first.raw() + count};
}

void set_physical_address_bits(unsigned bits) { physical_frame_limit = u64{1} << (bits - kPageShift); }

}  // namespace hospes
