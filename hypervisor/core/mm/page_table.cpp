// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/page_table.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/foreign_map.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {
namespace {

constexpr u64 kAccessedDirty = Pte::kAccessed | Pte::kDirty;
// Bits of a level-1 entry that carry no reference and no memory type.
constexpr u64 kPlainBits =
    Pte::kUser | kAccessedDirty | Pte::kGlobal | Pte::kAvailable | Pte::kAvailableHigh | Pte::kNoExecute;

u64* word_at(EntryPlace place) { return frame_pointer<u64>(place.table) + place.index; }
Pte read_entry(u64 const* word) { return Pte{__atomic_load_n(word, __ATOMIC_RELAXED)}; }

bool compare_exchange(u64* word, u64& old, u64 value) {
    return __atomic_compare_exchange_n(word, &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

// Stores `entry` and returns what it replaces. The processor may set accessed and dirty bits at any time, even now: Errno::again when the
// entry is not what was expected any more.
Result<Pte> store_entry(u64* word, Pte entry, EntryUpdate const& update) {
    if (update.check_old) {
        u64 old = update.expected_old;
        if (!compare_exchange(word, old, entry.raw())) return Errno::again;
        return Pte{old};
    }
    if (!update.preserve_ad || !entry.is_present()) return Pte{__atomic_exchange_n(word, entry.raw(), __ATOMIC_SEQ_CST)};
    u64 old = __atomic_load_n(word, __ATOMIC_RELAXED);
    while (!compare_exchange(word, old, entry.raw() | (old & kAccessedDirty))) {
    }
    return Pte{old};
}

// The table stays what it is, and nobody else changes its entries, while this lives.
class [[nodiscard]] LockedTable {
public:
    LockedTable(PageTypes& types, Mfn table, FrameEntry& entry, DomId owner)
        : types_{types}, table_{table}, entry_{entry}, type_{hold(types, table, entry, owner)} {}
    LockedTable(LockedTable const&) = delete;
    LockedTable& operator=(LockedTable const&) = delete;
    ~LockedTable() {
        if (!type_.ok()) return;
        types_.release_table(table_, entry_);
        types_.put_page(table_, entry_);
    }
    // Its type; an error: it is no table of the owner, and not held.
    Result<PageType> const& type() const { return type_; }

private:
    static Result<PageType> hold(PageTypes& types, Mfn table, FrameEntry& entry, DomId owner) {
        HV_TRY(types.get_page(entry, owner));
        Result<PageType> type = types.hold_table(entry);
        if (!type.ok()) types.put_page(table, entry);
        return type;
    }

    PageTypes& types_;
    Mfn table_;
    FrameEntry& entry_;
    Result<PageType> type_;
};

// The same frame: at most a writable reference comes or goes. While the writable bit stays, the entry holds what it held, whatever it maps.
Result<bool> try_same_frame(System& system, u64* word, Pte old, Pte entry, EntryUpdate const& update) {
    u64 const changed = old.raw() ^ entry.raw();
    if (!old.is_present() || (changed & ~(kPlainBits | Pte::kWritable)) != 0) return false;
    bool const changes_write = (changed & Pte::kWritable) != 0;
    FrameEntry* const frame = changes_write ? system.frames.find(old.mfn()) : nullptr;
    if (changes_write && (frame == nullptr || !frame->is_ram())) return false;
    bool const gains_write = changes_write && entry.is_writable();
    if (gains_write) {
        if (frame->owner() != update.frame_owner) return false;
        HV_TRY(system.page_types.get_type(old.mfn(), *frame, PageType::writable));
    }
    bool const is_stored = store_entry(word, entry.with(Pte::kUser), update).ok();
    bool const loses_write = changes_write && gains_write != is_stored;  // that of the old entry, or of the new one that is not stored
    if (loses_write) system.page_types.put_type(old.mfn(), *frame);
    return is_stored ? Result<bool>{true} : Errno::again;
}

}  // namespace

// A held root is validated, and so is every table below it: a present entry above level 1 maps a table of the next level, never a large
// page. Only the root's entries of the core do not follow these rules, and is_guest_range() keeps away from them.
Result<EntryPlace> find_level1_entry(GuestAddress address, Mfn root) {
    if (!is_guest_range(address, 1) || !root.is_valid()) return Errno::invalid;
    Mfn table = root;
#pragma GCC unroll 3
    for (unsigned level = 4; level > 1; --level) {
        Pte const entry = read_entry(word_at({table, table_index(address.raw(), level)}));
        if (!entry.is_present()) return Errno::invalid;
        table = entry.mfn();
    }
    return EntryPlace{table, table_index(address.raw(), 1)};
}

Result<Pte> find_mapping(GuestAddress address, Mfn root) {
    auto const place = find_level1_entry(address, root);
    if (!place.ok()) return Errno::fault;
    Pte const entry = read_entry(word_at(place.value()));
    if (!entry.is_present()) return Errno::fault;
    return entry;
}

Status update_entry(Domain& domain, EntryPlace place, Pte entry, EntryUpdate const& update) {
    FrameEntry* const table = domain.system().frames.find(place.table);
    return table != nullptr ? update_entry(domain, *table, place, entry, update) : Errno::invalid;
}

[[gnu::flatten]] Status update_entry(Domain& domain, FrameEntry& table_entry, EntryPlace place, Pte entry, EntryUpdate const& update) {
    System& system = domain.system();
    LockedTable const table{system.page_types, place.table, table_entry, domain.id()};
    if (!table.type().ok()) return table.type().error();
    unsigned const level = level_of(table.type().value());
    if (level == 4 && place.index >= kFirstHypervisorSlot && place.index <= kLastHypervisorSlot) return Errno::invalid;

    u64* const word = word_at(place);
    Pte const old = read_entry(word);
    if (update.check_old && old.raw() != update.expected_old) return Errno::again;
    if (level == 1 && HV_TRY(try_same_frame(system, word, old, entry, update))) return {};

    EntryScope const scope{domain, update.frame_owner};
    Pte const checked = HV_TRY(get_entry(system, scope, level, entry));
    Result<Pte> const replaced = store_entry(word, checked, update);
    put_entry(system, level, replaced.ok() ? replaced.value() : checked);
    return replaced.ok() ? Status{} : replaced.error();
}

Status emulate_pt_write(Vcpu& vcpu, GuestAddress entry_va, u64 old_entry, u64 new_entry) {
    Domain& domain = vcpu.domain();
    HV_TRY(domain.system().page_types.settle(domain));
    Pte const mapping = HV_TRY(find_mapping(entry_va, vcpu.pv.kernel_root));
    Mfn const table = mapping.mfn();
    if (!domain.system().frames.is_ram(table) || domain.system().page_types.type(table) != PageType::l1_table) return Errno::invalid;
    EntryPlace const place{table, static_cast<unsigned>(entry_va.page_offset() / sizeof(u64))};
    EntryUpdate const update{.frame_owner = domain.id(), .check_old = true, .expected_old = old_entry};
    return update_entry(domain, place, Pte{new_entry}, update);
}

namespace {

Result<EntryPlace> entry_of(Vcpu& caller, GrantPlace place) {
    if (!place.is_entry_address) return find_level1_entry(GuestAddress{place.address}, caller.pv.kernel_root);
    if (place.address % sizeof(u64) != 0) return Errno::invalid;
    MachineAddress const maddr{place.address};
    EntryPlace const entry{mfn_of(maddr), static_cast<unsigned>(maddr.page_offset() / sizeof(u64))};
    System& system = caller.domain().system();
    if (!system.frames.is_ram(entry.table) || system.page_types.type(entry.table) != PageType::l1_table) return Errno::invalid;
    return entry;
}

}  // namespace

Status map_foreign_at(Vcpu& caller, GrantPlace place, Mfn frame, DomId owner, u64 entry_flags) {
    EntryPlace const entry = HV_TRY(entry_of(caller, place));
    u64 const flags = entry_flags | Pte::kPresent | Pte::kAccessed | Pte::kDirty | Pte::kUser;
    return update_entry(caller.domain(), entry, Pte::make(frame, flags), {.frame_owner = owner});
}

Status unmap_foreign_at(Vcpu& caller, GrantPlace place, Mfn frame, bool readonly) {
    EntryPlace const entry = HV_TRY(entry_of(caller, place));
    while (true) {
        Pte const old = read_entry(word_at(entry));
        if (!old.is_present() || old.mfn() != frame) return Errno::invalid;
        if (old.is_writable() == readonly) return Errno::invalid;  // the entry of another grant of the frame
        EntryUpdate const update{.frame_owner = caller.domain().id(), .check_old = true, .expected_old = old.raw()};
        Status const cleared = update_entry(caller.domain(), entry, Pte{}, update);
        if (cleared.ok() || cleared.error() != Errno::again) return cleared;  // again: the processor set accessed or dirty
    }
}

}  // namespace hospes
