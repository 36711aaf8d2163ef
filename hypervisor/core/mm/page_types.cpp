// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/page_types.hpp"

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/hypervisor_slots.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/core/mm/page_entries.hpp"
#include "hypervisor/core/pv/descriptors.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/preempt.hpp"
#include "hypervisor/ports/tlb.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {
namespace {

using T = TypeWord;

// What guests can ask for leaves room for the reference that a half-done table holds on itself, and for the core's own for a moment.
constexpr u32 kMostReferences = ~u32{0} - 16;

// Has the count of either word, its lower half, no room for one more?
bool is_full(u64 word) {
    static_assert(T::Count::kMask == ~u32{0} && RefWord::Count::kMask == ~u32{0});
    return static_cast<u32>(word) == ~u32{0};
}

PageType type_of(u64 word) { return static_cast<PageType>(T::Type::get(word)); }

bool is_hypervisor_slot(PageType type, unsigned index) {
    return type == PageType::l4_table && index >= kFirstHypervisorSlot && index <= kLastHypervisorSlot;
}

// The latest clock value whose low bits are those of the stamp: never earlier than the true one, so a flush is never missed.
u64 clock_of_stamp(u64 stamp) {
    u64 const now = tlb_clock();
    u64 const age = (now - stamp) & T::Stamp::kMax;
    return now - age;
}

// How far a table's validation goes between two looks at whether others wait. A table below that is taken apart or validated is enough;
// entries that only count one more or one less are quick, and each look may cost a turn at the core lock.
class Pace {
public:
    explicit Pace(PageType type) : is_of_tables_{level_of(type) > 1} {}

    bool is_of_tables() const { return is_of_tables_; }  // else it is short
    bool has_begun() const { return done_ > 0; }
    // After one entry at least: it gets on, however often others wait.
    bool is_over() {
        if (done_ < next_look_) return false;
        next_look_ = done_ + kQuickEntries;
        return preempt_pending();
    }
    void count(bool is_quick) { done_ += is_quick ? 1 : kQuickEntries; }

private:
    static constexpr unsigned kQuickEntries = 256;

    bool is_of_tables_;
    unsigned done_ = 0;
    unsigned next_look_ = kQuickEntries;
};

u64 with_stamp(u64 word) { return T::Stamp::set(word, tlb_clock()); }

}  // namespace

Status PageTypes::get_page(Mfn mfn, DomId owner) {
    FrameEntry* const entry = system_.frames.find(mfn);
    return entry != nullptr ? get_page(*entry, owner) : Errno::invalid;
}

Status PageTypes::get_page(FrameEntry& entry, DomId owner) {
    auto& refs = entry.refs;
    u64 word = refs.load(std::memory_order_relaxed);
    do {
        u64 const count = RefWord::Count::get(word);
        if (RefWord::Ram::get(word) == 0 || count == 0 || RefWord::Owner::get(word) != owner.raw()) return Errno::invalid;
        if (static_cast<u32>(word) >= kMostReferences) return Errno::busy;
    } while (!refs.compare_exchange_weak(word, word + 1, std::memory_order_acquire));
    return {};
}

Status PageTypes::hold_page(Mfn mfn, DomId owner) {
    FrameEntry* const entry = system_.frames.find(mfn);
    if (entry == nullptr) return Errno::invalid;
    u64 word = entry->refs.load(std::memory_order_relaxed);
    do {
        bool const is_owned = RefWord::Ram::get(word) != 0 && RefWord::Count::get(word) != 0 && RefWord::Owner::get(word) == owner.raw();
        if (!is_owned) return Errno::invalid;
        HV_ASSERT(!is_full(word));
    } while (!entry->refs.compare_exchange_weak(word, word + 1, std::memory_order_acquire));
    return {};
}

void PageTypes::get_another(Mfn mfn) {
    u64 const before = system_.frames[mfn].refs.fetch_add(1, std::memory_order_relaxed);
    HV_ASSERT(RefWord::Count::get(before) != 0 && RefWord::Count::get(before) != RefWord::Count::kMax);
}

void PageTypes::put_page(Mfn mfn, FrameEntry& entry) {
    u64 const before = entry.refs.fetch_sub(1, std::memory_order_release);
    HV_ASSERT(RefWord::Count::get(before) != 0);
    if (RefWord::Count::get(before) == 1) free_page(mfn, before);
}

// The last general reference, one of `before`, is gone.
void PageTypes::free_page(Mfn mfn, u64 before) {
    std::atomic_thread_fence(std::memory_order_acquire);
    HV_ASSERT(RefWord::Allocated::get(before) == 0);
    HV_ASSERT(T::Count::get(system_.frames[mfn].type.load(std::memory_order_relaxed)) == 0);
    DomId const owner{static_cast<u16>(RefWord::Owner::get(before))};
    bool const is_core_page = RefWord::CorePage::get(before) != 0;
    clear_m2p(mfn);
    system_.heap.free(mfn);
    frame_left_domain(system_, owner, is_core_page);
}

// Straight on where nothing is to be validated: the frame has this type already, or may simply become writable.
Status PageTypes::get_type(Mfn mfn, FrameEntry& entry, PageType type) {
    auto& state = entry.type;
    u64 word = state.load(std::memory_order_relaxed);
    u64 const typed = T::Type::set(0, static_cast<u64>(type));
    u64 const use = word & (T::Type::kMask | T::Progress::kMask | T::Busy::kMask | T::Unsettled::kMask);
    bool const is_counted = T::Count::get(word) > 0 && T::Unsettled::get(word) == 0 && type_of(word) == type;
    bool const is_ready = type == PageType::writable ? use == typed || use == 0 : is_counted;
    bool const may_count = is_ready && !is_full(word);
    if (may_count && state.compare_exchange_strong(word, (word | typed) + 1, std::memory_order_acquire)) [[likely]] return {};
    return get_type_slowly(mfn, type);
}

Status PageTypes::get_type_slowly(Mfn mfn, PageType type) {
    auto& state = system_.frames[mfn].type;
    while (true) {
        u64 word = state.load(std::memory_order_acquire);
        if (T::Count::get(word) > 0 && T::Unsettled::get(word) == 0) {
            if (type_of(word) != type) return Errno::invalid;
            if (T::Count::get(word) == T::Count::kMax) return Errno::busy;
            if (state.compare_exchange_weak(word, word + 1, std::memory_order_acquire)) return {};
            continue;
        }
        if (T::Busy::get(word) != 0) {
            // Validated just now, by another pcpu or by ourselves further up (a table that reaches itself): its type is decided.
            if (type_of(word) != type) return Errno::invalid;
            __builtin_ia32_pause();
            continue;
        }
        if (T::Unsettled::get(word) != 0) {  // its owner might never make the hypercall that would settle it
            HV_TRY(settle(owner_of(mfn)));
            __builtin_ia32_pause();  // another pcpu is just about to enlist it
            continue;
        }
        if (T::Progress::get(word) > 0 && type_of(word) != type) {
            HV_TRY(roll_back(mfn));
            continue;
        }
        if (type == PageType::writable && (type_of(word) == type || type_of(word) == PageType::none)) {
            u64 const next = T::Count::set(T::Type::set(word, static_cast<u64>(type)), 1);
            if (state.compare_exchange_weak(word, next, std::memory_order_acquire)) return {};
            continue;
        }
        u64 const next = T::Busy::set(T::Type::set(word, static_cast<u64>(type)), 1);
        if (!state.compare_exchange_weak(word, next, std::memory_order_acquire)) continue;
        if (type_of(word) != type && type_of(word) != PageType::none) tlb_flush_older_than(clock_of_stamp(T::Stamp::get(word)));
        return start_type(mfn, type);
    }
}

// The frame is busy with `type` and nobody counts it: validate what must be, then publish the first type reference.
Status PageTypes::start_type(Mfn mfn, PageType type) {
    auto& state = system_.frames[mfn].type;
    if (type == PageType::segdesc && !validate_descriptor_page(frame_pointer<u64>(mfn))) {
        state.store(with_stamp(T::Type::set(0, static_cast<u64>(type))), std::memory_order_release);
        return Errno::invalid;
    }
    if (is_page_table(type)) HV_TRY(validate(mfn, type));
    u64 const word = T::Type::set(state.load(std::memory_order_relaxed) & T::Pinned::kMask, static_cast<u64>(type));
    state.store(T::Count::set(word, 1), std::memory_order_release);
    return {};
}

// Takes the references of all entries, from where an earlier attempt stopped. On return without success the frame is not busy any more.
Status PageTypes::validate(Mfn mfn, PageType type) {
    auto& state = system_.frames[mfn].type;
    unsigned const start = static_cast<unsigned>(T::Progress::get(state.load(std::memory_order_relaxed)));
    Domain& owner = owner_of(mfn);
    EntryScope const scope{owner, owner.id()};
    u64* const entries = frame_pointer<u64>(mfn);
    Pace pace{type};
    u32 rolled_back = rolled_back_.load(std::memory_order_relaxed);

    for (unsigned i = start; i < kEntriesPerTable; ++i) {
        if (is_hypervisor_slot(type, i)) continue;
        Pte const pte{__atomic_load_n(&entries[i], __ATOMIC_RELAXED)};
        if (!pte.is_present()) continue;
        bool stop = false;
        if (pace.is_of_tables()) {
            stop = pace.is_over();
            pace.count(is_counted(pte, 1));
        } else if (u32 const now = rolled_back_.load(std::memory_order_relaxed); now != rolled_back) [[unlikely]] {
            rolled_back = now;  // the entry before wanted a half-done table as a page, and has it
            stop = preempt_pending();
        }
        Result<Pte> const checked = stop ? Result<Pte>{Errno::restart} : get_entry(system_, scope, level_of(type), pte);
        if (!checked.ok()) {
            if (checked.error() != Errno::restart) {
                abandon(mfn, type, start, i);
            } else {
                keep_progress(mfn, type, start, i);
            }
            return checked.error();
        }
        if (checked.value() != pte) __atomic_store_n(&entries[i], checked.value().raw(), __ATOMIC_RELAXED);
    }
    if (type == PageType::l4_table) install_hypervisor_slots(entries);
    if (start > 0) put_page(mfn);  // the reference a half-done table holds on itself
    return {};
}

// Interrupted: the first `entries` entries keep their references, and the frame holds itself while there are any.
void PageTypes::keep_progress(Mfn mfn, PageType type, unsigned start, unsigned entries) {
    if (start == 0 && entries > 0) get_another(mfn);
    u64 const word = T::Progress::set(T::Type::set(0, static_cast<u64>(type)), entries);
    system_.frames[mfn].type.store(with_stamp(word), std::memory_order_release);
}

// An entry breaks a rule: what was taken goes back; what cannot go back now waits for settle().
void PageTypes::abandon(Mfn mfn, PageType type, unsigned start, unsigned entries) {
    if (start == 0) get_another(mfn);
    finish_devalidation(mfn, type, entries);
}

// Is what an entry names in use as what it is, with that many type references at least? Nobody relies on the answer.
bool PageTypes::is_counted(Pte pte, u64 times) const {
    FrameEntry const* const entry = system_.frames.find(pte.mfn());
    if (entry == nullptr) return false;
    u64 const word = entry->type.load(std::memory_order_relaxed);
    return T::Unsettled::get(word) == 0 && T::Count::get(word) >= times;
}

// Gives up the references of the first `entries` entries, from the last to the first; returns how many could not be done yet. When a table
// below has stopped, this one does.
unsigned PageTypes::devalidate(Mfn mfn, PageType type, unsigned entries) {
    u64 const* const table = frame_pointer<u64>(mfn);
    auto const& unsettled = owner_of(mfn).unsettled_head;
    u32 const before = unsettled.load(std::memory_order_relaxed);
    Pace pace{type};
    while (entries > 0) {
        unsigned const i = entries - 1;
        Pte const pte{__atomic_load_n(&table[i], __ATOMIC_RELAXED)};
        if (!is_hypervisor_slot(type, i) && pte.is_present()) {
            if (pace.is_of_tables()) {
                bool const has_one_stopped = pace.has_begun() && unsettled.load(std::memory_order_relaxed) != before;
                if (has_one_stopped || pace.is_over()) return entries;
                pace.count(is_counted(pte, 2));
            }
            put_entry(system_, level_of(type), pte);
        }
        entries = i;
    }
    return 0;
}

// The frame is busy, uncounted, and holds a general reference on itself: devalidate, then let go of it or enlist it.
bool PageTypes::finish_devalidation(Mfn mfn, PageType type, unsigned entries) {
    unsigned const left = devalidate(mfn, type, entries);
    auto& state = system_.frames[mfn].type;
    u64 word = with_stamp(T::Type::set(0, static_cast<u64>(type)));
    if (left > 0) {
        enlist_unsettled(mfn, T::Progress::set(word, left));
        return false;
    }
    state.store(word, std::memory_order_release);
    put_page(mfn);
    return true;
}

// The last type reference of a table is gone; the frame is busy.
void PageTypes::start_devalidation(Mfn mfn, PageType type) {
    get_another(mfn);
    finish_devalidation(mfn, type, kEntriesPerTable);
}

Status PageTypes::roll_back(Mfn mfn) {
    auto& state = system_.frames[mfn].type;
    u64 word = state.load(std::memory_order_acquire);
    if (T::Busy::get(word) != 0 || T::Progress::get(word) == 0 || T::Unsettled::get(word) != 0) return {};
    if (!state.compare_exchange_strong(word, T::Busy::set(word, 1), std::memory_order_acquire)) return {};
    rolled_back_.fetch_add(1, std::memory_order_relaxed);
    bool const done = finish_devalidation(mfn, type_of(word), static_cast<unsigned>(T::Progress::get(word)));
    return done ? Status{} : Status{Errno::restart};
}

Domain& PageTypes::owner_of(Mfn mfn) {
    auto const owner = system_.domains.find(system_.frames.owner(mfn));
    HV_ASSERT(owner.ok());  // it owns this frame, so it exists
    return *owner.value();
}

void PageTypes::enlist_unsettled(Mfn mfn, u64 word) {
    auto& head = owner_of(mfn).unsettled_head;
    u32 next = head.load(std::memory_order_relaxed);
    do {
        word = T::Count::set(T::Unsettled::set(word, 1), next);
        system_.frames[mfn].type.store(word, std::memory_order_release);
    } while (!head.compare_exchange_weak(next, static_cast<u32>(mfn.raw()), std::memory_order_release));
}

Status PageTypes::settle(Domain& domain) {
    return domain.unsettled_head.load(std::memory_order_relaxed) == kNoUnsettledFrame ? Status{} : settle_all(domain);
}

Status PageTypes::settle_all(Domain& domain) {
    LockGuard guard{domain.lock};
    while (true) {
        u32 const head = domain.unsettled_head.load(std::memory_order_acquire);
        if (head == kNoUnsettledFrame) return {};
        Mfn const mfn{head};
        u64 const word = system_.frames[mfn].type.load(std::memory_order_acquire);
        u32 expected = head;
        if (!domain.unsettled_head.compare_exchange_strong(expected, static_cast<u32>(T::Count::get(word)))) continue;
        u64 const busy = T::Busy::set(T::Type::set(0, static_cast<u64>(type_of(word))), 1);
        system_.frames[mfn].type.store(busy, std::memory_order_release);
        bool const done = finish_devalidation(mfn, type_of(word), static_cast<unsigned>(T::Progress::get(word)));
        bool const is_more = domain.unsettled_head.load(std::memory_order_relaxed) != kNoUnsettledFrame;
        if (!done || (is_more && preempt_pending())) return Errno::restart;
    }
}

Status PageTypes::get_another_type(Mfn mfn) {
    auto& state = system_.frames[mfn].type;
    u64 word = state.load(std::memory_order_relaxed);
    do {
        HV_ASSERT(T::Count::get(word) > 0 && T::Unsettled::get(word) == 0);
        if (T::Count::get(word) == T::Count::kMax) return Errno::busy;
    } while (!state.compare_exchange_weak(word, word + 1, std::memory_order_acquire));
    return {};
}

// Straight on where it is not the last.
void PageTypes::put_type(Mfn mfn, FrameEntry& entry) {
    auto& state = entry.type;
    u64 word = state.load(std::memory_order_relaxed);
    bool const has_more = T::Count::get(word) > 1 && T::Unsettled::get(word) == 0;
    if (has_more && state.compare_exchange_strong(word, word - 1, std::memory_order_acq_rel)) [[likely]] return;
    put_type_slowly(mfn, entry);
}

void PageTypes::put_type_slowly(Mfn mfn, FrameEntry& entry) {
    auto& state = entry.type;
    u64 word = state.load(std::memory_order_relaxed);
    while (true) {
        HV_ASSERT(T::Count::get(word) > 0 && T::Unsettled::get(word) == 0);
        u64 next = word - 1;
        bool const is_last = T::Count::get(word) == 1;
        bool const is_table = is_page_table(type_of(word));
        if (is_last) next = is_table ? T::Busy::set(next, 1) : with_stamp(next);
        if (T::Busy::get(word) != 0 && is_last) {  // another pcpu updates an entry: it holds a reference, so this cannot be the last
            HV_PANIC("last type reference of a table dropped while it is updated");
        }
        if (!state.compare_exchange_weak(word, next, std::memory_order_acq_rel)) continue;
        if (is_last && is_table) start_devalidation(mfn, type_of(word));
        return;
    }
}

Status PageTypes::get_page_and_type(Mfn mfn, FrameEntry& entry, DomId owner, PageType type) {
    HV_TRY(get_page(entry, owner));
    Status const typed = get_type(mfn, entry, type);
    if (!typed.ok()) put_page(mfn, entry);
    return typed;
}

Status PageTypes::get_page_and_type(Mfn mfn, DomId owner, PageType type) {
    FrameEntry* const entry = system_.frames.find(mfn);
    return entry != nullptr ? get_page_and_type(mfn, *entry, owner, type) : Errno::invalid;
}

void PageTypes::put_page_and_type(Mfn mfn) {
    FrameEntry& entry = system_.frames[mfn];
    put_type(mfn, entry);
    put_page(mfn, entry);
}

void PageTypes::put_page(Mfn mfn) { put_page(mfn, system_.frames[mfn]); }

Status PageTypes::get_type(Mfn mfn, PageType type) { return get_type(mfn, system_.frames[mfn], type); }

void PageTypes::put_type(Mfn mfn) { put_type(mfn, system_.frames[mfn]); }

Status PageTypes::pin(Mfn mfn, Domain& owner, PageType type) {
    TypedPage page = HV_TRY(TypedPage::get(*this, mfn, owner.id(), type));
    u64 const before = system_.frames[mfn].type.fetch_or(T::Pinned::kMask, std::memory_order_acq_rel);
    if (T::Pinned::get(before) != 0) return Errno::invalid;
    (void)page.release();  // the pin holds it
    return {};
}

Status PageTypes::unpin(Mfn mfn, Domain& owner) {
    HV_TRY(hold_page(mfn, owner.id()));
    u64 const before = system_.frames[mfn].type.fetch_and(~T::Pinned::kMask, std::memory_order_acq_rel);
    bool const was_pinned = T::Pinned::get(before) != 0;
    if (was_pinned) put_page_and_type(mfn);
    put_page(mfn);
    return was_pinned ? Status{} : Status{Errno::invalid};
}

Status PageTypes::forget_progress(Mfn mfn, Domain& owner) {
    if (!hold_page(mfn, owner.id()).ok()) return {};  // freed meanwhile
    Status const rolled_back = roll_back(mfn);
    put_page(mfn);
    return rolled_back;
}

PageType PageTypes::type(Mfn mfn) const { return type(system_.frames[mfn]); }

PageType PageTypes::type(FrameEntry const& entry) {
    u64 const word = entry.type.load(std::memory_order_acquire);
    return T::Count::get(word) > 0 && T::Unsettled::get(word) == 0 ? type_of(word) : PageType::none;
}

Result<PageType> PageTypes::hold_table(FrameEntry& entry) {
    auto& state = entry.type;
    while (true) {
        u64 word = state.load(std::memory_order_relaxed);
        bool const is_counted = T::Count::get(word) > 0 && T::Unsettled::get(word) == 0;
        if (!is_counted || !is_page_table(type_of(word))) return Errno::invalid;
        if (is_full(word)) return Errno::busy;
        bool const is_locked = T::Busy::get(word) != 0;
        if (!is_locked && state.compare_exchange_weak(word, T::Busy::set(word + 1, 1), std::memory_order_acquire)) return type_of(word);
        __builtin_ia32_pause();
    }
}

// While it is busy nobody but us may drop the last reference; that takes the long way.
void PageTypes::release_table(Mfn mfn, FrameEntry& entry) {
    auto& state = entry.type;
    u64 word = state.load(std::memory_order_relaxed);
    while (T::Count::get(word) > 1) {
        if (state.compare_exchange_weak(word, T::Busy::set(word - 1, 0), std::memory_order_acq_rel)) return;
    }
    state.fetch_and(~T::Busy::kMask, std::memory_order_release);
    put_type(mfn, entry);
}

}  // namespace hospes
