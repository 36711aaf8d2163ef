// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/recount.hpp"

#include "hypervisor/ports/frame_window.hpp"

namespace hospes::test {

namespace {

u64 bits(u64 word, unsigned shift, unsigned width) { return word >> shift & ((u64{1} << width) - 1); }

// The type word as frame_table.hpp lays it out.
struct TypeState {
    explicit TypeState(u64 word)
        : unsettled{bits(word, 60, 1) != 0}, busy{bits(word, 59, 1) != 0}, pinned{bits(word, 58, 1) != 0},
          progress{static_cast<unsigned>(bits(word, 48, 10))}, type{static_cast<PageType>(bits(word, 61, 3))},
          count{unsettled ? 0 : bits(word, 0, 32)} {}

    bool unsettled;
    bool busy;
    bool pinned;
    unsigned progress;
    PageType type;
    u64 count;
};

TypeState state_of(World& world, u64 mfn) { return TypeState{world.ram.frames()[Mfn{mfn}].type.load()}; }

}  // namespace

void Recount::complain(u64 mfn, std::string const& what) {
    if (difference_.empty()) difference_ = "frame " + std::to_string(mfn) + ": " + what;
}

void Recount::add_frame(Mfn mfn) {
    u64 const refs = world_.ram.frames()[mfn].refs.load();
    bool const is_released = bits(refs, 48, 2) == 0;  // neither allocated nor the core's: only others hold it
    if (!is_released) add_general(mfn);
    TypeState const state = state_of(world_, mfn.raw());
    bool const is_table = state.type >= PageType::l1_table && state.type <= PageType::l4_table;
    if (state.busy) complain(mfn.raw(), "busy while nothing runs");
    if (state.unsettled && state.progress == 0) complain(mfn.raw(), "unsettled without progress");
    if (is_table && state.count > 0) {
        if (state.progress != 0) complain(mfn.raw(), "counted and half done");
        add_entries(mfn, state.type, 512);
    } else if (state.progress > 0) {
        add_general(mfn);  // it holds itself
        add_entries(mfn, state.type, state.progress);
    }
    if (state.pinned) {
        add_general(mfn);
        add_typed(mfn, state.type);
    }
}

void Recount::add_entries(Mfn table, PageType type, unsigned count) {
    u64 const* const entries = frame_pointer<u64>(table);
    unsigned const level = static_cast<unsigned>(type);
    for (unsigned i = 0; i < count; ++i) {
        if (level == 4 && i >= 256 && i < 272) continue;
        if ((entries[i] & 1) == 0) continue;
        u64 const forbidden = level == 1 ? 0x98 : 0x1'98;  // cache bits and PS; and G above level 1
        if ((entries[i] & forbidden) != 0) complain(table.raw(), "validated with a forbidden bit in entry " + std::to_string(i));
        u64 const target = bits(entries[i], 12, 40);
        add_general(Mfn{target});
        if (level > 1) add_typed(Mfn{target}, static_cast<PageType>(level - 1));
        if (level == 1 && (entries[i] & 2) != 0) add_typed(Mfn{target}, PageType::writable);
    }
}

void Recount::compare(u64 mfn, Wanted const& wanted) {
    if (mfn >= world_.ram.count()) return complain(mfn, "referenced, but is no RAM");
    u64 const general = bits(world_.ram.frames()[Mfn{mfn}].refs.load(), 0, 32);
    if (general != wanted.general)
        complain(mfn, "has " + std::to_string(general) + " references, should have " + std::to_string(wanted.general));
    TypeState const state = state_of(world_, mfn);
    if (wanted.typed.size() > 1) complain(mfn, "is used as two types at once");
    u64 const typed = wanted.typed.empty() ? 0 : wanted.typed.begin()->second;
    if (state.count != typed) complain(mfn, "has " + std::to_string(state.count) + " type references, should have " + std::to_string(typed));
    if (typed > 0 && state.type != wanted.typed.begin()->first) complain(mfn, "is counted under another type");
    if (state.count > general) complain(mfn, "has more type references than references");
}

std::string Recount::difference() {
    for (auto const& [mfn, wanted] : wanted_) compare(mfn, wanted);
    return difference_;
}

}  // namespace hospes::test
