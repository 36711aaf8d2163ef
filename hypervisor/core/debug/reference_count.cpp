// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/debug/reference_count.hpp"

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/hypervisor_slots.hpp"
#include "hypervisor/ports/frame_window.hpp"

namespace hospes {
namespace {

using R = RefWord;
using T = TypeWord;

u64 refs_of(System const& system, Mfn mfn) { return system.frames[mfn].refs.load(std::memory_order_relaxed); }
u64 type_word_of(System const& system, Mfn mfn) { return system.frames[mfn].type.load(std::memory_order_relaxed); }
PageType type_of(u64 word) { return static_cast<PageType>(T::Type::get(word)); }
u64 type_count_of(u64 word) { return T::Unsettled::get(word) != 0 ? 0 : T::Count::get(word); }

}  // namespace

// Somebody holds a reference on a frame, and one of `type` unless that is none.
void ReferenceCount::add(Mfn mfn, PageType type) {
    if (!mfn.is_valid() || !is_looked_at(mfn)) return;
    ++findings_.references;
    Wanted& wanted = wanted_[mfn - first_];
    ++wanted.general;
    if (type == PageType::none) return;
    ++wanted.typed;
    PageType const actual = type_of(type_word_of(system_, mfn));
    if (actual != type)
        HV_DIFFERENCE(findings_, "frame %lx has type %u, and is used as %u", mfn.raw(), static_cast<unsigned>(actual), static_cast<unsigned>(type));
}

// What a frame that somebody owns holds itself.
void ReferenceCount::add_frame(Mfn mfn) {
    u64 const refs = refs_of(system_, mfn);
    if (R::Count::get(refs) == 0) return;
    if (R::Owner::get(refs) >= kDomIdFirstReserved.raw()) return add(mfn, PageType::none);  // the core's
    if (R::Allocated::get(refs) != 0) add(mfn, PageType::none);
    u64 const word = type_word_of(system_, mfn);
    PageType const type = type_of(word);
    bool const is_half_done = T::Progress::get(word) != 0;
    if (T::Busy::get(word) != 0 || (is_half_done && type_count_of(word) != 0) || (T::Unsettled::get(word) != 0 && !is_half_done))
        HV_DIFFERENCE(findings_, "frame %lx is in no state to be at rest in: %lx", mfn.raw(), word);
    if (T::Pinned::get(word) != 0) add(mfn, type);
    if (is_half_done) add(mfn, PageType::none);
    if (is_page_table(type) && is_half_done) add_table(mfn, type, static_cast<unsigned>(T::Progress::get(word)));
    if (is_page_table(type) && type_count_of(word) != 0) add_table(mfn, type, kEntriesPerTable);
}

void ReferenceCount::add_table(Mfn table, PageType type, unsigned entries) {
    auto const owner = system_.domains.find(system_.frames.owner(table));
    if (!owner.ok()) return;  // check_owners() tells of it
    if (is_looked_at(table)) ++findings_.tables;
    u64 const* const words = frame_pointer<u64>(table);
    for (unsigned i = 0; i < entries; ++i) {
        Pte const entry{__atomic_load_n(&words[i], __ATOMIC_RELAXED)};
        if (type == PageType::l4_table && i >= kFirstHypervisorSlot && i <= kLastHypervisorSlot) {
            bool const is_ours = (entry.raw() | Pte::kAccessed) == (hypervisor_slots[i - kFirstHypervisorSlot] | Pte::kAccessed);
            if (!is_ours && entries == kEntriesPerTable && is_looked_at(table))
                HV_DIFFERENCE(findings_, "root %lx has %lx in slot %u of the core", table.raw(), entry.raw(), i);
        } else if (entry.is_present()) {
            add_entry(*owner.value(), table, type, i, entry);
        }
    }
}

void ReferenceCount::add_entry(Domain& owner, Mfn table, PageType type, unsigned index, Pte entry) {
    Mfn const target = entry.mfn();
    unsigned const level = level_of(type);
    bool const is_ram = system_.frames.is_ram(target);
    if (is_looked_at(table) && !is_allowed_entry(owner, level, entry, is_ram))
        HV_DIFFERENCE(findings_, "entry %u of table %lx of domain %u may not be %lx", index, table.raw(), unsigned{owner.id().raw()}, entry.raw());
    if (!is_ram) return;
    if (level > 1 || entry.is_writable())
        add(target, level > 1 ? table_type(level - 1) : PageType::writable);
    else
        add(target, PageType::none);
    DomId const target_owner = system_.frames.owner(target);
    if (target_owner == owner.id() || !is_looked_at(target)) return;
    // Of another domain: by privilege or by a grant, which a dying domain has given up before its tables.
    bool const is_by_right = owner.is_control_domain() || owner.life != LifeState::alive || owner.grants.maptrack().maps_frame(target);
    if (level > 1 || target_owner.raw() >= kDomIdFirstReserved.raw() || !is_by_right)
        HV_DIFFERENCE(findings_, "entry %u of table %lx of domain %u maps frame %lx of domain %u", index, table.raw(),
                      unsigned{owner.id().raw()}, target.raw(), unsigned{target_owner.raw()});
}

void ReferenceCount::add_vcpu(Vcpu const& vcpu) {
    add(vcpu.pv.kernel_root, PageType::l4_table);
    add(vcpu.pv.user_root, PageType::l4_table);
    add(vcpu.info_frame, PageType::writable);
    for (Mfn const frame : vcpu.pv.gdt_frames) add(frame, PageType::segdesc);
    for (Mfn const frame : vcpu.pv.ldt_frames) add(frame, PageType::segdesc);
}

void ReferenceCount::add_domain(Domain& domain) {
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        if (domain.vcpus[i] != nullptr) add_vcpu(*domain.vcpus[i]);
    }
    if (!domain.are_tables_released) add(domain.shared_info_frame, PageType::writable);
    domain.grants.for_each_frame([this](Mfn frame) { add(frame, PageType::writable); });
    domain.grants.maptrack().for_each([this](GrantMapping const& mapping) {
        add(Mfn{mapping.frame}, mapping.readonly ? PageType::none : PageType::writable);
    });
}

void ReferenceCount::compare(Mfn mfn, Wanted const& wanted) {
    u64 const refs = R::Count::get(refs_of(system_, mfn));
    u64 const word = type_word_of(system_, mfn);
    u64 const typed = refs == 0 ? 0 : type_count_of(word);  // of a free frame the word is something else
    ++findings_.frames;
    if (refs != wanted.general || typed != wanted.typed)
        HV_DIFFERENCE(findings_, "frame %lx of domain %u, type %u, counts %lu references and %lu of its type; %u and %u are held", mfn.raw(),
                      unsigned{system_.frames.owner(mfn).raw()}, static_cast<unsigned>(type_of(word)), refs, typed, wanted.general, wanted.typed);
}

void ReferenceCount::run() {
    for (Mfn mfn{0}; mfn.raw() < system_.frames.limit(); ++mfn) {
        if (system_.frames.is_ram(mfn)) add_frame(mfn);
    }
    for_each_domain(system_.domains, [this](Domain& domain) { add_domain(domain); });
    for (u64 i = 0; i < count_; ++i) {
        Mfn const mfn = first_ + i;
        if (system_.frames.is_ram(mfn)) compare(mfn, wanted_[i]);
    }
}

}  // namespace hospes
