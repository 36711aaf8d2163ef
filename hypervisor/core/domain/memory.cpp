// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/memory.hpp"

#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/ports/preempt.hpp"

#include <algorithm>

namespace hospes {
namespace {

constexpr u64 kFramesBetweenChecks = 4096;

u64 owned_word(Domain const& domain, u64 flags) {
    u64 const word = RefWord::Owner::set(RefWord::Ram::kMask | flags, domain.id().raw());
    return RefWord::Count::set(word, 1);
}

}  // namespace

Result<Mfn> populate_frames(Domain& domain, unsigned order, unsigned address_bits) {
    if (order > kMaxOrder) return Errno::invalid;
    LockGuard guard{domain.lock};
    if (domain.life != LifeState::alive) return Errno::invalid;
    u64 const count = u64{1} << order;
    if (domain.total_pages.load() + count > domain.max_pages) return Errno::no_memory;
    Mfn const first = HV_TRY(domain.system().heap.alloc(order, address_bits));
    assign_frames(domain, first, count);
    return first;
}

void assign_frames(Domain& domain, Mfn first, u64 count) {
    FrameTable& frames = domain.system().frames;
    u64 const word = owned_word(domain, RefWord::Allocated::kMask);
    for (u64 i = 0; i < count; ++i) {
        frames[first + i].type.store(0, std::memory_order_relaxed);
        frames[first + i].refs.store(word, std::memory_order_release);
    }
    domain.total_pages += count;
    domain.lowest_frame = std::min(domain.lowest_frame, first);
    domain.highest_frame = std::max(domain.highest_frame, first + (count - 1));
}

Status release_frame(Domain& domain, Mfn mfn) {
    System& system = domain.system();
    HV_TRY(system.page_types.hold_page(mfn, domain.id()));
    u64 const before = system.frames[mfn].refs.fetch_and(~RefWord::Allocated::kMask, std::memory_order_acq_rel);
    bool const was_held = RefWord::Allocated::get(before) != 0;
    if (was_held) system.page_types.put_page(mfn);
    system.page_types.put_page(mfn);
    return was_held ? Status{} : Status{Errno::invalid};
}

void share_core_frame(Domain& domain, Mfn mfn) {
    FrameTable& frames = domain.system().frames;
    frames[mfn].type.store(TypeWord::Count::set(TypeWord::Type::set(0, static_cast<u64>(PageType::writable)), 1));
    frames[mfn].refs.store(owned_word(domain, RefWord::CorePage::kMask), std::memory_order_release);
    ++domain.core_pages;
    domain.lowest_frame = std::min(domain.lowest_frame, mfn);
    domain.highest_frame = std::max(domain.highest_frame, mfn);
}

void unshare_core_frame(Domain& domain, Mfn mfn) { domain.system().page_types.put_page_and_type(mfn); }

Status relinquish_memory(Domain& domain) {
    System& system = domain.system();
    PageTypes& types = system.page_types;
    HV_TRY(types.settle(domain));
    Mfn const start = domain.lowest_frame;
    for (Mfn mfn = start; mfn.raw() <= domain.highest_frame.raw(); ++mfn) {
        domain.lowest_frame = mfn;  // what lies below is done
        if (mfn != start && mfn.raw() % kFramesBetweenChecks == 0 && preempt_pending()) return Errno::restart;
        if (!system.frames.is_ram(mfn) || system.frames.owner(mfn) != domain.id()) continue;
        if (RefWord::CorePage::get(system.frames[mfn].refs.load()) != 0) continue;  // freed with what it belongs to
        bool const was_half_done = TypeWord::Progress::get(system.frames[mfn].type.load()) > 0;
        bool const was_pinned = types.unpin(mfn, domain).ok();  // most are not
        HV_TRY(types.forget_progress(mfn, domain));
        HV_TRY(types.settle(domain));
        (void)release_frame(domain, mfn);  // a frame only others hold has no reference of ours
        if ((was_pinned || was_half_done) && preempt_pending()) return Errno::restart;  // a table is some hundred frames' work
    }
    return {};
}

}  // namespace hospes
