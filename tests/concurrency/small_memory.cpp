// SPDX-License-Identifier: Apache-2.0
#include "tests/concurrency/small_memory.hpp"

#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"

#include <cstring>

namespace hospes {

constinit u64 frame_window_base = 0;

namespace test {

SmallMemory* small_memory = nullptr;

namespace {

alignas(kPageSize) u8 bytes[kFrameLimit][kPageSize];
u64 m2p[kFrameLimit];

u64 bits(u64 word, unsigned shift, unsigned width) { return word >> shift & ((u64{1} << width) - 1); }

// The words of frame_table.hpp, as memory holds them.
struct State {
    explicit State(FrameEntry const& entry) {
        u64 words[2];
        std::memcpy(words, static_cast<void const*>(&entry), sizeof words);
        references = bits(words[0], 0, 32);
        owner = bits(words[0], 32, 16);
        is_allocated = bits(words[0], 48, 1) != 0;
        is_free = owner == kDomIdInvalid.raw();
        is_unsettled = bits(words[1], 60, 1) != 0;
        is_busy = bits(words[1], 59, 1) != 0;
        is_pinned = bits(words[1], 58, 1) != 0;
        progress = static_cast<unsigned>(bits(words[1], 48, 10));
        type = static_cast<PageType>(bits(words[1], 61, 3));
        count = is_unsettled ? 0 : bits(words[1], 0, 32);
    }
    bool is_table() const { return type >= PageType::l1_table && type <= PageType::l4_table; }
    bool is_validated() const { return !is_free && is_table() && count > 0; }

    u64 references, owner, count;
    bool is_allocated, is_free, is_unsettled, is_busy, is_pinned;
    unsigned progress;
    PageType type;
};

u64 entry_of(u64 mfn, unsigned index) {
    u64 value;
    std::memcpy(&value, &bytes[mfn][index * sizeof value], sizeof value);
    return value;
}

}  // namespace

SmallMemory::SmallMemory() {
    small_memory = this;
    frame_window_base = reinterpret_cast<u64>(bytes);
    m2p_base = reinterpret_cast<u64>(m2p);
    std::memset(bytes, 0, sizeof bytes);
    frames_.init(entries_.data(), populated_.data(), kFrameLimit);
    for (Domain* const domain : {&first, &second}) {
        domain->max_pages = kFrameLimit;
        if (!domains_.insert(*domain).ok()) throw std::logic_error{"no domain"};
    }
    assign_frames(first, Mfn{1}, 3);
    for (u64 mfn = 1; mfn < kFrameLimit; ++mfn) cached_[mfn].owner = 1;
}

void SmallMemory::note_table(u64 mfn, std::map<u64, Wanted>& wanted, bool is_at_rest) {
    State const state{entries_[mfn]};
    if (state.is_free || !state.is_table()) return;
    bool const is_half_done = state.count == 0 && !state.is_busy && state.progress > 0;
    unsigned const end = state.is_validated() ? kEntriesPerTable : is_half_done ? state.progress : 0;
    if (is_half_done) ++wanted[mfn].general;
    for (unsigned i = 0; i < end; ++i) {
        u64 const entry = entry_of(mfn, i);
        if ((entry & 1) == 0) continue;
        Wanted& target = wanted[bits(entry, 12, 40)];
        ++target.general;
        if (state.type != PageType::l1_table) ++target.typed[table_type(level_of(state.type) - 1)];
        if (state.type == PageType::l1_table && (entry & 2) != 0) ++target.typed[PageType::writable];
    }
    if (state.is_pinned && is_at_rest) {  // before that, a pin may be on its way in or out
        ++wanted[mfn].general;
        ++wanted[mfn].typed[state.type];
    }
}

// What processors may have read from this table, which is all they may keep.
void SmallMemory::note_translations(u64 mfn) {
    State const state{entries_[mfn]};
    if (!state.is_validated()) return;
    cached_[mfn].as_table = true;
    if (state.type != PageType::l1_table) return;
    for (unsigned i = 0; i < kEntriesPerTable; ++i) {
        u64 const entry = entry_of(mfn, i);
        if ((entry & 1) == 0) continue;
        Cached& target = cached_[bits(entry, 12, 40) % kFrameLimit];
        target.readable = true;
        target.writable |= (entry & 2) != 0;
    }
}

void SmallMemory::flush() {
    for (Cached& cached : cached_) cached.readable = cached.writable = cached.as_table = false;
    for (u64 mfn = 1; mfn < kFrameLimit; ++mfn) note_translations(mfn);
}

std::string SmallMemory::stale_translation(u64 mfn) {
    State const state{entries_[mfn]};
    Cached& cached = cached_[mfn];
    bool const has_new_owner = !state.is_free && state.owner != kDomIdXen.raw() && state.owner != cached.owner;
    if (has_new_owner && (cached.readable || cached.as_table)) return "has a new owner, and its old one may still reach it";
    if (has_new_owner) cached.owner = state.owner;
    bool const is_half_done = state.is_table() && state.count == 0 && !state.is_busy && state.progress > 0;
    if ((state.is_validated() || is_half_done) && cached.writable) return "is a page table that a processor may still write";
    if (!state.is_free && state.count > 0 && state.type == PageType::writable && cached.as_table)
        return "is writable, and a processor may still walk it";
    return "";
}

std::string SmallMemory::compare(u64 mfn, Wanted const& wanted, bool is_at_rest) {
    if (mfn == 0 || mfn >= kFrameLimit) return "is referenced, and is no RAM";
    State const state{entries_[mfn]};
    if (state.is_free) return wanted.general == 0 ? "" : "is free, and referenced";
    if (wanted.typed.size() > 1) return "is used as two types at once";
    u64 const typed = wanted.typed.empty() ? 0 : wanted.typed.begin()->second;
    if (state.references < wanted.general) return "has too few references";
    if (state.count < typed) return "has too few type references";
    if (typed > 0 && state.type != wanted.typed.begin()->first) return "is counted under another type";
    if (state.count > state.references) return "has more type references than references";
    if (!is_at_rest) return "";
    if (state.is_busy) return "is busy while nothing runs";
    u64 const general = wanted.general + (state.is_allocated ? 1 : 0);
    if (state.references != general) return "has " + std::to_string(state.references) + " references, should have " + std::to_string(general);
    if (state.count != typed) return "has " + std::to_string(state.count) + " type references, should have " + std::to_string(typed);
    return "";
}

std::string SmallMemory::compare_all(bool is_at_rest) {
    std::map<u64, Wanted> wanted = is_at_rest ? held_ : std::map<u64, Wanted>{};
    for (u64 mfn = 1; mfn < kFrameLimit; ++mfn) {
        wanted[mfn];
        note_table(mfn, wanted, is_at_rest);
    }
    for (auto const& [mfn, count] : wanted) {
        if (std::string const wrong = compare(mfn, count, is_at_rest); !wrong.empty()) return "frame " + std::to_string(mfn) + " " + wrong;
    }
    return "";
}

void SmallMemory::hold(Mfn mfn, PageType type) {
    ++held_[mfn.raw()].general;
    ++held_[mfn.raw()].typed[type];
}

bool SmallMemory::let_go(Mfn mfn, PageType type) {
    Wanted& held = held_[mfn.raw()];
    if (held.general == 0) return false;
    --held.general;
    if (--held.typed[type] == 0) held.typed.erase(type);
    return true;
}

std::string SmallMemory::check() {
    for (u64 mfn = 1; mfn < kFrameLimit; ++mfn) note_translations(mfn);
    for (u64 mfn = 1; mfn < kFrameLimit; ++mfn) {
        if (std::string const wrong = stale_translation(mfn); !wrong.empty()) return "frame " + std::to_string(mfn) + " " + wrong;
    }
    return compare_all(false);
}

std::string SmallMemory::check_at_rest() { return compare_all(true); }

}  // namespace test
}  // namespace hospes
