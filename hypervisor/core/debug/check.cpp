// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/debug/check.hpp"

#include "hypervisor/core/debug/reference_count.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/frame_window.hpp"

#include <algorithm>
#include <bit>

namespace hospes {
namespace {

constexpr u64 kFramesPerStep = u64{1} << 18;  // 1 GiB of memory, 2 MiB of counters

// Zeroed pages for as long as a step takes.
class [[nodiscard]] Scratch {
public:
    static Result<Scratch> get(Heap& heap, usize bytes) {
        auto const order = static_cast<unsigned>(std::bit_width((bytes + kPageSize - 1) / kPageSize - 1));
        Mfn const first = HV_TRY(heap.alloc(order));
        return Scratch{heap, first, order};
    }
    Scratch(Scratch&& other) noexcept : heap_{other.heap_}, first_{other.first_}, order_{other.order_} { other.first_ = Mfn{}; }
    Scratch(Scratch const&) = delete;
    Scratch& operator=(Scratch const&) = delete;
    Scratch& operator=(Scratch&&) = delete;
    ~Scratch() {
        if (first_.is_valid()) heap_.free(first_, order_);
    }
    template <typename T>
    T* as() const {
        return frame_pointer<T>(first_);
    }

private:
    Scratch(Heap& heap, Mfn first, unsigned order) : heap_{heap}, first_{first}, order_{order} {}

    Heap& heap_;
    Mfn first_;
    unsigned order_;
};

struct Owned {
    u32 pages;
    u32 core_pages;
};

// Every frame is in one free block, or has an owner that exists and counts it.
void count_owned(System& system, Owned* owned, Findings& findings) {
    u64 free = 0;
    u64 free_end = 0;  // of the free block that we are in
    for (Mfn mfn{0}; mfn.raw() < system.frames.limit(); ++mfn) {
        if (!system.frames.is_ram(mfn)) continue;
        u64 const word = system.frames[mfn].refs.load(std::memory_order_relaxed);
        DomId const owner{static_cast<u16>(RefWord::Owner::get(word))};
        bool const is_free = RefWord::Count::get(word) == 0;
        if (RefWord::FreeHead::get(word) != 0) {
            if (mfn.raw() < free_end) HV_DIFFERENCE(findings, "frame %lx begins a free block, and is in another", mfn.raw());
            free += u64{1} << RefWord::Order::get(word);
            free_end = mfn.raw() + (u64{1} << RefWord::Order::get(word));
        }
        if (is_free != (mfn.raw() < free_end)) HV_DIFFERENCE(findings, "frame %lx is %s", mfn.raw(), is_free ? "lost" : "free and in use");
        if (is_free || owner == kDomIdXen) continue;
        if (!system.domains.find(owner).ok()) {
            HV_DIFFERENCE(findings, "frame %lx belongs to domain %u, which is not there", mfn.raw(), unsigned{owner.raw()});
            continue;
        }
        ++(RefWord::CorePage::get(word) != 0 ? owned[owner.raw()].core_pages : owned[owner.raw()].pages);
    }
    if (free != system.heap.free_pages()) HV_DIFFERENCE(findings, "%lu frames are free, the heap counts %lu", free, system.heap.free_pages());
}

Status check_owners(System& system, Findings& findings) {
    Scratch const scratch = HV_TRY(Scratch::get(system.heap, kMaxDomains * sizeof(Owned)));
    Owned* const owned = scratch.as<Owned>();
    count_owned(system, owned, findings);
    for_each_domain(system.domains, [&](Domain& domain) {
        Owned const& counted = owned[domain.id().raw()];
        if (counted.pages == domain.total_pages.load() && counted.core_pages == domain.core_pages.load()) return;
        HV_DIFFERENCE(findings, "domain %u counts %lu frames and %lu of the core; %u and %u are there", unsigned{domain.id().raw()},
                      domain.total_pages.load(), domain.core_pages.load(), counted.pages, counted.core_pages);
    });
    return {};
}

// Stands for one pin. Sums of it are equal only if the pins are.
u64 pin_mark(u32 ref, DomId user, u64 frame, bool readonly) {
    u64 word = (u64{ref} << 33 | u64{user.raw()} << 1 | (readonly ? 1 : 0)) ^ frame << 13;
    for (u64 const factor : {0x9e37'79b9'7f4a'7c15, 0xbf58'476d'1ce4'e5b9}) word = (word ^ word >> 31) * factor;
    return word ^ word >> 29;
}

// The pins on the entries of `granter` are the handles that name it (invariant G1).
void check_grants(System& system, Domain& granter, Findings& findings) {
    u64 sum = 0;
    u32 pins = 0;
    granter.grants.for_each_pinned([&](GrantRef ref, ActiveEntry const& entry) {
        pins += u32{entry.readers} + entry.writers;
        sum += entry.readers * pin_mark(ref.raw(), DomId{entry.domain}, entry.frame, true);
        sum += entry.writers * pin_mark(ref.raw(), DomId{entry.domain}, entry.frame, false);
    });
    u32 handles = 0;
    for_each_domain(system.domains, [&](Domain& mapper) {
        mapper.grants.maptrack().for_each([&](GrantMapping const& mapping) {
            if (mapping.granter != granter.id().raw()) return;
            ++handles;
            sum -= pin_mark(mapping.ref, mapper.id(), mapping.frame, mapping.readonly);
        });
    });
    if (sum != 0 || pins != handles || pins != granter.grants.pins())
        HV_DIFFERENCE(findings, "domain %u counts %u pins; its grants have %u, and %u handles name them", unsigned{granter.id().raw()},
                      granter.grants.pins(), pins, handles);
}

void check_objects(System& system, Findings& findings) {
    for_each_domain(system.domains, [&](Domain& domain) {
        check_grants(system, domain, findings);
        char const* const fault = domain.events.find_fault();
        if (fault != nullptr) HV_DIFFERENCE(findings, "ports of domain %u: %s", unsigned{domain.id().raw()}, fault);
    });
    for (u32 pcpu = 0; pcpu < kMaxPcpus; ++pcpu) {
        char const* const fault = system.scheduler.find_fault(PcpuId{pcpu}, system.domains);
        if (fault != nullptr) HV_DIFFERENCE(findings, "run queue %u: %s", pcpu, fault);
    }
}

}  // namespace

u32 check_steps(System const& system) { return 1 + static_cast<u32>((system.frames.limit() + kFramesPerStep - 1) / kFramesPerStep); }

Result<Findings> run_check_step(System& system, u32 step) {
    if (step >= check_steps(system)) return Errno::invalid;
    Findings findings;
    if (step == 0) {
        HV_TRY(check_owners(system, findings));
        check_objects(system, findings);
        return findings;
    }
    Mfn const first{(step - 1) * kFramesPerStep};
    u64 const count = std::min(kFramesPerStep, system.frames.limit() - first.raw());
    Scratch const scratch = HV_TRY(Scratch::get(system.heap, count * sizeof(ReferenceCount::Wanted)));
    ReferenceCount{system, first, count, scratch.as<ReferenceCount::Wanted>(), findings}.run();
    return findings;
}

Status check_everything(System& system) {
    Findings all;
    for (u32 step = 0; step < check_steps(system); ++step) {
        auto const findings = run_check_step(system, step);
        if (!findings.ok()) {
            HV_ERROR("check: step %u cannot be run: error %d", step, static_cast<int>(findings.error()));
            return findings.error();
        }
        all += findings.value();
    }
    HV_INFO("check: %lu frames, %lu page tables, %lu references: %lu differences", all.frames, all.tables, all.references, all.differences);
    return {};
}

}  // namespace hospes
