// SPDX-License-Identifier: Apache-2.0
// Each kind of corruption, planted in a sound world, is found by the checker; taken back, nothing is found.
#include "hypervisor/core/debug/check.hpp"

#include "hypervisor/core/debug/keys.hpp"
#include "hypervisor/core/mm/hypervisor_slots.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/address_space.hpp"
#include "tests/support/hypervisor/grants.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Checked : Stage {
    Checked() {
        machine().log.clear();
        map_page(one.vcpu, one.space, 1, one.pages[7]);
        map_page(one.vcpu, one.space, 2, one.pages[6], false);
        REQUIRE(map_grant(two.vcpu, {two.space.entry(3).raw(), GNTMAP_host_map | GNTMAP_contains_pte, GrantRef{0}, one.domain.id()}).status ==
                GrantStatus::okay);
        REQUIRE(differences() == 0);
    }

    u64 differences() {
        u64 found = 0;
        for (u32 step = 0; step < check_steps(system); ++step) found += run_check_step(system, step).value().differences;
        return found;
    }
    // `word` with some bits turned over is a difference that the log tells with `what`; as it was it is none.
    template <typename Word>
    void plant(Word& word, decltype(word + 0) turned, std::string const& what) {
        using Value = decltype(word + 0);
        Value const before = word;
        word = before ^ turned;
        INFO(what);
        expect_difference(what);
        word = before;
        CHECK(differences() == 0);
    }
    void expect_difference(std::string const& what) {
        machine().log.clear();
        CHECK(differences() > 0);
        std::string all;
        for (std::string const& line : machine().log) all += line + "\n";
        INFO(all);
        CHECK(all.find(what) != std::string::npos);
    }
    std::atomic<u64>& refs(Mfn mfn) { return ram.frames()[mfn].refs; }
    std::atomic<u64>& type(Mfn mfn) { return ram.frames()[mfn].type; }
    static u64& entry(Mfn table, unsigned index) { return frame_pointer<u64>(table)[index]; }
};

}  // namespace

TEST_CASE("references too many or too few are found", "[debug][check]") {
    Checked w;
    for (Mfn const frame : {w.one.pages[0], w.one.pages[7], w.one.space.l1, w.one.space.l4, w.one.domain.shared_info_frame}) {
        u64 const count = w.refs(frame).load();
        w.plant(w.refs(frame), count ^ (count + 1), "are held");
        if (RefWord::Count::get(count) > 1) w.plant(w.refs(frame), count ^ (count - 1), "are held");
        u64 const word = w.type(frame).load();
        w.plant(w.type(frame), word ^ (word + 1), "are held");
    }
}

TEST_CASE("types that are not those of their uses are found", "[debug][check]") {
    Checked w;
    w.plant(w.type(w.one.space.l1), TypeWord::Type::set(0, 3), "is used as 1");           // l1 to l2
    w.plant(w.type(w.one.pages[7]), TypeWord::Type::set(0, 2), "is used as 6");            // writable to l4
    w.plant(w.type(w.one.space.l4), TypeWord::Pinned::kMask, "are held");                  // a pin lost
    w.plant(w.type(w.one.space.l1), TypeWord::Busy::kMask, "no state to be at rest in");
    w.plant(w.type(w.one.space.l1), TypeWord::Progress::set(0, 7), "no state to be at rest in");
    w.plant(w.type(w.one.pages[0]), TypeWord::Unsettled::kMask, "no state to be at rest in");
}

TEST_CASE("entries that no guest may have are found", "[debug][check]") {
    Checked w;
    u64 const flags = Pte::kPresent | Pte::kUser | Pte::kAccessed;
    auto const as = [&](Mfn frame, u64 more = 0) { return Pte::make(frame, flags | more).raw(); };
    w.plant(Checked::entry(w.one.space.l1, 9), as(w.one.space.l2, Pte::kWritable), "is used as 6");  // a page table, writable
    w.plant(Checked::entry(w.one.space.l1, 9), as(w.two.pages[0]), "maps frame");                    // another domain's
    w.plant(Checked::entry(w.two.space.l1, 9), as(w.one.pages[5]), "maps frame");                    // granted, and not mapped
    w.plant(Checked::entry(w.one.space.l1, 9), as(w.one.domain.own_frame), "maps frame");            // the core's
    w.plant(Checked::entry(w.one.space.l1, 9), as(Mfn{0x12345}), "may not be");                      // MMIO
    w.plant(Checked::entry(w.one.space.l1, 1), Pte::kUser, "may not be");
    w.plant(Checked::entry(w.one.space.l1, 1), Pte::kWritable, "are held");
    w.plant(Checked::entry(w.one.space.l2, 3), Pte::kPageSizeOrPat, "may not be");
    w.plant(Checked::entry(w.one.space.l4, kFirstHypervisorSlot + 1), 0x1000, "slot 257 of the core");
    w.plant(Checked::entry(w.one.space.l3, 2), Pte::kPresent, "are held");
}

TEST_CASE("frames that have lost their owner, or whose owner miscounts, are found", "[debug][check]") {
    Checked w;
    Mfn const frame = w.one.pages[0];
    w.plant(w.refs(frame), RefWord::Owner::set(0, 1 ^ 2), "domain 1 counts");
    w.plant(w.refs(frame), RefWord::Owner::set(0, 1 ^ 9), "belongs to domain 9");
    w.plant(w.refs(frame), RefWord::Allocated::kMask, "are held");
    w.plant(w.refs(frame), RefWord::CorePage::kMask, "domain 1 counts");
    w.plant(w.refs(frame), RefWord::Count::get(w.refs(frame).load()), "is lost");
    w.plant(w.one.domain.total_pages, u64{1024}, "domain 1 counts");
    w.plant(w.one.domain.core_pages, u64{1024}, "domain 1 counts");
}

TEST_CASE("a free list that is not what it says is found", "[debug][check]") {
    Checked w;
    Mfn head{1};
    while (RefWord::FreeHead::get(w.refs(head).load()) == 0 || RefWord::Order::get(w.refs(head).load()) < 2) ++head;
    w.plant(w.refs(head + 1), RefWord::Count::set(0, 1), "free and in use");
    w.plant(w.refs(head), RefWord::Order::set(0, 1), "the heap counts");
    w.plant(w.refs(head + 1), RefWord::FreeHead::kMask, "and is in another");
}

TEST_CASE("references of vcpus are counted", "[debug][check]") {
    Checked w;
    std::swap(w.one.vcpu.pv.user_root, w.one.vcpu.pv.kernel_root);
    CHECK(w.differences() == 0);
    std::swap(w.one.vcpu.pv.user_root, w.one.vcpu.pv.kernel_root);
    for (Mfn* const slot : {&w.one.vcpu.pv.user_root, &w.one.vcpu.info_frame, &w.one.vcpu.pv.gdt_frames[3], &w.one.vcpu.pv.ldt_frames[5]}) {
        REQUIRE(!slot->is_valid());
        *slot = w.one.pages[1];
        w.expect_difference("are held");
        *slot = Mfn{};
    }
    CHECK(w.differences() == 0);
}

TEST_CASE("pins without handles and handles without pins are found", "[debug][check]") {
    Checked w;
    REQUIRE(w.one.domain.grants.pin(GrantRef{4}, w.two.domain.id(), true).status == GrantStatus::okay);
    w.expect_difference("counts 2 pins");
    w.one.domain.grants.unpin(GrantRef{4}, true);
    CHECK(w.differences() == 0);

    // The numbers are right, and the entry is another: writers 1 and readers 0 of entry 4 for those of entry 0.
    Maptrack& maptrack = w.two.domain.grants.maptrack();
    GrantHandle const handle = maptrack.first_from(GrantHandle{0}).value();
    GrantMapping mapping = maptrack.take(handle).value();
    mapping.ref = 4;
    maptrack.restore(handle, mapping);
    w.expect_difference("counts 1 pins");
    mapping.ref = 0;
    maptrack.restore(handle, mapping);
    CHECK(w.differences() == 0);
}

TEST_CASE("ports and run queues that contradict themselves are found", "[debug][check]") {
    Checked w;
    w.one.vcpu.virq_ports[VIRQ_DEBUG] = EventPort{5};
    w.expect_difference("ports of domain 1");
    w.one.vcpu.virq_ports[VIRQ_DEBUG] = EventPort{};

    SchedUnit& unit = w.one.vcpu.sched;
    Standing const standing = unit.standing;
    unit.standing = standing == Standing::nowhere ? Standing::waiting : Standing::nowhere;
    w.expect_difference("run queue 0");
    unit.standing = standing;
    REQUIRE(standing == Standing::waiting);
    unit.weight += 1;
    w.expect_difference("counts its weight wrongly");
    unit.weight -= 1;
    CHECK(w.differences() == 0);
}

TEST_CASE("the first differences of a step are told, all are counted", "[debug][check]") {
    Checked w;
    for (unsigned i = 100; i < 140; ++i) Checked::entry(w.one.space.l1, i) = Pte::make(Mfn{0x12345}, Pte::kPresent | Pte::kUser).raw();
    machine().log.clear();
    CHECK(w.differences() == 40);
    CHECK(machine().log.size() == 16);
    for (unsigned i = 100; i < 140; ++i) Checked::entry(w.one.space.l1, i) = 0;
}

TEST_CASE("debug keys say something, and change nothing", "[debug][keys]") {
    Checked w;
    Snapshot const before{w};
    for (char const key : std::string{"ceghmqr?"}) {
        machine().log.clear();
        handle_debug_key(w.system, key);
        INFO(key);
        CHECK(!machine().log.empty());
    }
    machine().log.clear();
    handle_debug_key(w.system, 'c');
    REQUIRE(machine().log.size() == 1);
    CHECK(machine().log[0].find(": 0 differences") != std::string::npos);
    Snapshot const after{w};
    CHECK(difference(before.effect, after.effect) == "");
}
