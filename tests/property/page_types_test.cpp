// SPDX-License-Identifier: Apache-2.0
// Random lives of a few frames: written as a guest writes them, pinned, referenced, updated, with a preemption at any point. After each
// step all references are counted anew from outside.
#include "hypervisor/core/mm/page_types.hpp"

#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/recount.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace hospes;
using namespace hospes::test;

namespace {

class FrameLives : public World {
public:
    FrameLives(u64 seed, unsigned frames) : World{512}, rng{seed} {
        for (unsigned i = 0; i < frames; ++i) mine.push_back(populate(domain));
        foreign = populate(other);
    }

    u64 random(u64 below) { return rng() % below; }
    Mfn any_frame() { return mine[random(mine.size())]; }
    PageType any_table_type() { return table_type(1 + static_cast<unsigned>(random(4))); }
    unsigned any_index() {
        constexpr unsigned kInteresting[] = {0, 1, 2, 15, 16, 17, 255, 256, 271, 272, 511};
        return kInteresting[random(std::size(kInteresting))];
    }
    Pte any_entry() {
        u64 const chance = random(40);
        Mfn const target = chance == 0 ? foreign : chance == 1 ? Mfn{1u << 20} : any_frame();
        u64 flags = Pte::kPresent | (random(3) == 0 ? Pte::kWritable : 0) | (random(2) == 0 ? Pte::kUser : 0);
        if (chance == 2) flags |= Pte::kPageSizeOrPat;
        return random(6) == 0 ? Pte{} : Pte::make(target, flags);
    }
    u64 type_word(Mfn mfn) { return ram.frames()[mfn].type.load(); }
    // A guest can write a frame that it has mapped writable, or could map so at once.
    bool guest_can_write(Mfn mfn) {
        u64 const word = type_word(mfn);
        bool const unused = TypeWord::Count::get(word) == 0 && TypeWord::Progress::get(word) == 0;
        return TypeWord::Unsettled::get(word) == 0 && (unused || page_types.type(mfn) == PageType::writable);
    }

    void write_memory() {
        Mfn const mfn = any_frame();
        if (!guest_can_write(mfn)) return;
        Pte const pte = any_entry();
        unsigned const first = any_index();
        unsigned const count = random(3) == 0 ? 40 : 1;  // long runs are where preemption is asked for
        for (unsigned i = first; i < first + count && i < kEntriesPerTable; ++i) frame_pointer<u64>(mfn)[i] = pte.raw();
    }
    void clear_memory() {
        Mfn const mfn = any_frame();
        if (!guest_can_write(mfn)) return;
        for (unsigned i = 0; i < kEntriesPerTable; ++i) frame_pointer<u64>(mfn)[i] = 0;
    }
    void pin() { (void)page_types.pin(any_frame(), domain, any_table_type()).ok(); }
    void unpin() { (void)page_types.unpin(any_frame(), domain).ok(); }
    void hold() {
        Mfn const mfn = any_frame();
        REQUIRE(page_types.get_page(mfn, other.id()).error() == Errno::invalid);
        REQUIRE(page_types.get_page(mfn, domain.id()).ok());
        held.push_back({mfn, PageType::none});
    }
    void hold_typed() {
        Mfn const mfn = any_frame();
        PageType const type = random(2) == 0 ? PageType::writable : any_table_type();
        PageType const before = page_types.type(mfn);
        Status const status = page_types.get_page_and_type(mfn, domain.id(), type);
        if (before != PageType::none) REQUIRE(status.ok() == (before == type));
        if (status.ok()) held.push_back({mfn, type});
    }
    void let_go() {
        if (held.empty()) return;
        usize const i = random(held.size());
        Held const gone = held[i];
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
        if (gone.type != PageType::none) page_types.put_type(gone.mfn);
        page_types.put_page(gone.mfn);
    }
    void update() {
        EntryPlace const place{any_frame(), any_index()};
        EntryUpdate const how{.frame_owner = random(10) == 0 ? other.id() : domain.id()};
        (void)update_entry(domain, place, any_entry(), how).ok();
    }
    void settle() { (void)page_types.settle(domain).ok(); }

    void step() {
        machine().preempt_after = static_cast<int>(random(5)) - 1;
        switch (random(12)) {
        case 0:
        case 1:
        case 2: write_memory(); break;
        case 3: clear_memory(); break;
        case 4:
        case 5: pin(); break;
        case 6: unpin(); break;
        case 7: hold(); break;
        case 8: hold_typed(); break;
        case 9: let_go(); break;
        case 10: update(); break;
        default: settle(); break;
        }
        machine().preempt_after = -1;
    }
    std::string difference() {
        Recount recount{*this};
        for (Mfn const mfn : mine) recount.add_frame(mfn);
        recount.add_frame(foreign);
        for (Held const& reference : held) {
            recount.add_general(reference.mfn);
            if (reference.type != PageType::none) recount.add_typed(reference.mfn, reference.type);
        }
        return recount.difference();
    }
    // How often the states that matter have been met: a test that never meets them shows nothing.
    void take_note() {
        for (Mfn const mfn : mine) {
            u64 const word = type_word(mfn);
            bool const is_unsettled = TypeWord::Unsettled::get(word) != 0;
            unsettled += is_unsettled ? 1 : 0;
            half_done += !is_unsettled && TypeWord::Progress::get(word) != 0 ? 1 : 0;
            ++validated[static_cast<usize>(page_types.type(mfn))];
        }
    }
    // Everything given back: nothing but the domain's own references may be left.
    void wind_up() {
        while (!held.empty()) let_go();
        for (Mfn const mfn : mine) (void)page_types.unpin(mfn, domain).ok();
        REQUIRE(page_types.settle(domain).ok());
        for (Mfn const mfn : mine) REQUIRE(page_types.forget_progress(mfn, domain).ok());
        REQUIRE(page_types.settle(domain).ok());
        for (Mfn const mfn : mine) {
            REQUIRE(RefWord::Count::get(ram.frames()[mfn].refs.load()) == 1);
            REQUIRE(page_types.type(mfn) == PageType::none);
        }
    }

    struct Held {
        Mfn mfn;
        PageType type;
    };
    std::mt19937_64 rng;
    Domain& domain = add_domain(1);
    Domain& other = add_domain(2);
    std::vector<Mfn> mine;
    Mfn foreign;
    std::vector<Held> held;
    unsigned unsettled = 0;
    unsigned half_done = 0;
    std::array<unsigned, 8> validated{};
};

// A tree of tables below an L4 with long runs of entries, one entry of which may break a rule.
struct Tree : FrameLives {
    explicit Tree(u64 seed) : FrameLives{seed, 8} {
        for (unsigned level = 4; level > 1; --level) {
            unsigned const count = 20 + static_cast<unsigned>(random(100));
            for (unsigned i = 0; i < count; ++i)
                frame_pointer<u64>(mine[level])[i] = Pte::make(mine[level - 1], Pte::kPresent | Pte::kWritable | Pte::kUser).raw();
        }
        for (unsigned i = 0; i < 30; ++i) frame_pointer<u64>(mine[1])[i] = Pte::make(mine[5 + i % 3], Pte::kPresent | Pte::kWritable).raw();
        if (random(2) == 0) frame_pointer<u64>(mine[1 + random(4)])[random(40)] |= Pte::kPresent | Pte::kCacheDisable;
    }
    // Pins the tree, stopped at every `every`th chance (0: never), settling first as a hypercall does.
    Errno pin_to_the_end(int every) {
        for (unsigned tries = 0; tries < 10'000; ++tries) {
            machine().preempt_after = every == 0 ? -1 : every - 1;
            bool const settled = page_types.settle(domain).ok();
            Status const pinned = settled ? page_types.pin(mine[4], domain, PageType::l4_table) : Status{Errno::restart};
            machine().preempt_after = -1;
            std::string const wrong = difference();
            INFO(wrong);
            REQUIRE(wrong.empty());
            if (pinned.ok()) return Errno{};
            if (pinned.error() != Errno::restart) return pinned.error();
        }
        FAIL("pinning makes no progress");
        return Errno::restart;
    }
    std::vector<u64> counts() {
        REQUIRE(page_types.settle(domain).ok());
        std::vector<u64> all;
        for (Mfn const mfn : mine) {
            all.push_back(RefWord::Count::get(ram.frames()[mfn].refs.load()));
            all.push_back(TypeWord::Count::get(type_word(mfn)));
            all.push_back(static_cast<u64>(page_types.type(mfn)));
        }
        return all;
    }
};

}  // namespace

TEST_CASE("every reference is counted after every step of a random life", "[property][page_types]") {
    unsigned unsettled = 0;
    unsigned half_done = 0;
    std::array<unsigned, 8> validated{};
    for (u64 seed = 1; seed <= 60; ++seed) {
        FrameLives lives{seed, 5 + static_cast<unsigned>(seed % 6)};
        for (int step = 0; step < 400; ++step) {
            lives.step();
            std::string const wrong = lives.difference();
            INFO("seed " << seed << ", step " << step << ": " << wrong);
            REQUIRE(wrong.empty());
            lives.take_note();
        }
        unsettled += lives.unsettled;
        half_done += lives.half_done;
        for (usize type = 0; type < validated.size(); ++type) validated[type] += lives.validated[type];
        lives.wind_up();
    }
    CHECK(unsettled > 0);
    CHECK(half_done > 0);
    for (usize type = 1; type <= 4; ++type) CHECK(validated[type] > 0);
    CHECK(validated[static_cast<usize>(PageType::writable)] > 0);
}

TEST_CASE("an interrupted pin ends as one that was not interrupted", "[property][page_types]") {
    for (u64 seed = 1; seed <= 12; ++seed) {
        Errno expected{};
        std::vector<u64> expected_counts;
        for (int const every : {0, 1, 2, 3}) {
            Tree tree{seed};
            Errno const result = tree.pin_to_the_end(every);
            std::vector<u64> const counts = tree.counts();
            INFO("seed " << seed << ", stopped at every chance number " << every);
            if (every == 0) {
                expected = result;
                expected_counts = counts;
            }
            CHECK(result == expected);
            CHECK(counts == expected_counts);
            tree.wind_up();
        }
    }
}
