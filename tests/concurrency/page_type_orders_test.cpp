// SPDX-License-Identifier: Apache-2.0
// Every order in which two processors can change what three frames are: table a (level 1) maps c, table b (level 2) names a many times.
// As the core does it, one part of a hypercall after the other, for the core lock lets nothing else happen; and step by step without that
// lock, because the page types promise more than the core asks of them.
#include "tests/concurrency/explorer.hpp"
#include "tests/concurrency/small_memory.hpp"

#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/ipi.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/ports/power.hpp"
#include "hypervisor/ports/preempt.hpp"
#include "hypervisor/ports/tlb.hpp"
#include "hypervisor/x86/pte.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>

using namespace hospes;
using namespace hospes::test;
using explorer::explore;
using explorer::Verdict;

namespace {

std::function<bool()> is_interrupted;  // what preempt_pending() says
std::atomic<u64> flushes{1};

}  // namespace

namespace hospes {

void panic(char const* file, int line, char const* what) { throw std::logic_error{std::string{file} + ":" + std::to_string(line) + ": " + what}; }
PcpuId this_pcpu_id() { return PcpuId{explorer::actor_tag()}; }
void relax_while_waiting() { explorer::wait_for_change(); }
void log(LogLevel, char const*, ...) {}
void kick_pcpu(PcpuId) {}
Nanoseconds system_time() { return Nanoseconds::from_ms(1); }
bool preempt_pending() { return is_interrupted(); }

u64 tlb_clock() { return flushes.load(); }
void tlb_flush_older_than(u64 stamp) {
    if (stamp < flushes.load()) return;
    flushes.fetch_add(1);
    small_memory->flush();
}

}  // namespace hospes

namespace {

constexpr Mfn kA{1};
constexpr Mfn kB{2};
constexpr Mfn kC{3};

alignas(64) u8 storage[sizeof(SmallMemory)];

SmallMemory& memory() { return *small_memory; }

Pte entry(Mfn target, u64 flags) { return Pte::make(target, Pte::kPresent | Pte::kUser | flags); }

using Operation = std::function<Status()>;

// What a processor does, one operation after the other.
struct Program {
    char const* name;
    std::vector<Operation> operations;
};

// A hypercall, or the part of one until it is interrupted.
Status part_of(Operation const& operation) {
    HV_TRY(memory().types.settle(memory().first));
    return operation();
}

bool is_restart(Status const& status) { return !status.ok() && status.error() == Errno::restart; }

Program pin_and_unpin(char const* name, Mfn mfn, PageType type) {
    return {name, {[=] { return memory().types.pin(mfn, memory().first, type); }, [=] { return memory().types.unpin(mfn, memory().first); }}};
}

Program map_elsewhere(char const* name, Mfn mfn) {
    Operation const map = [=]() -> Status {
        HV_TRY(memory().types.get_page_and_type(mfn, DomId{1}, PageType::writable));
        memory().hold(mfn, PageType::writable);
        return {};
    };
    Operation const unmap = [=]() -> Status {
        if (!memory().let_go(mfn, PageType::writable)) return {};  // it could not be mapped
        memory().types.put_page_and_type(mfn);
        return {};
    };
    return {name, {map, unmap}};
}

Program update(char const* name, Mfn table, unsigned index, Pte pte) {
    return {name, {[=] { return update_entry(memory().first, {table, index}, pte, {.frame_owner = DomId{1}}); }}};
}

Program give_to_second(char const* name, Mfn mfn) {
    Operation const take = []() -> Status {
        HV_TRY(populate_frames(memory().second, 0, 0));
        return {};
    };
    return {name, {[=] { return release_frame(memory().first, mfn); }, take}};
}

std::vector<Program> programs() {
    return {pin_and_unpin("pin a as level 1", kA, PageType::l1_table),
            pin_and_unpin("pin a as level 2", kA, PageType::l2_table),
            pin_and_unpin("pin b as level 2", kB, PageType::l2_table),
            pin_and_unpin("pin c as level 1", kC, PageType::l1_table),
            map_elsewhere("map a writable", kA),
            map_elsewhere("map b writable", kB),
            update("map c by a", kA, 1, entry(kC, Pte::kWritable)),
            update("unmap c", kA, 0, Pte{}),
            update("name a once less", kB, 0, Pte{}),
            give_to_second("give a away", kA),
            give_to_second("give c away", kC),
            {"roll b back", {[] { return memory().types.forget_progress(kB, memory().first); }}}};
}

// How it begins.
struct Beginning {
    char const* name;
    std::function<void()> make;
};

void expect(Status const& status) {
    if (!status.ok()) throw std::logic_error{"the beginning fails"};
}

std::vector<Beginning> beginnings() {
    return {{"nothing is a table", [] {}},
            {"a is pinned", [] { expect(memory().types.pin(kA, memory().first, PageType::l1_table)); }},
            {"b is pinned", [] { expect(memory().types.pin(kB, memory().first, PageType::l2_table)); }}};
}

// Two names of a: taking or giving up their references can be interrupted between them.
void begin(Beginning const& beginning) {
    flushes = 1;
    ::new (storage) SmallMemory;
    for (unsigned i = 0; i < 2; ++i) frame_pointer<u64>(kB)[i] = entry(kA, Pte::kWritable).raw();
    frame_pointer<u64>(kA)[0] = entry(kC, Pte::kWritable).raw();
    is_interrupted = [] { return false; };
    beginning.make();
}

std::string judge() {
    is_interrupted = [] { return false; };
    for (Domain* const domain : {&memory().first, &memory().second}) expect(memory().types.settle(*domain));
    return memory().check_at_rest();
}

struct Tally {
    unsigned long orders = 0;
    unsigned long steps = 0;
};

// For every beginning and every two programs.
void for_every_two(std::function<std::string(Beginning const&, Program const&, Program const&, Tally&)> const& try_all) {
    std::vector<Program> const all = programs();
    Tally tally;
    for (Beginning const& beginning : beginnings()) {
        for (usize i = 0; i < all.size(); ++i) {
            for (usize j = i; j < all.size(); ++j) {
                std::string const wrong = try_all(beginning, all[i], all[j], tally);
                INFO(beginning.name << "; " << all[i].name << "; " << all[j].name << ": " << wrong);
                CHECK(wrong.empty());
            }
        }
    }
    CHECK(tally.orders > 1000);
    if (std::getenv("VERBOSE") != nullptr) std::printf("%lu orders, %lu steps\n", tally.orders, tally.steps);
}

// One processor's way through its program.
struct Runner {
    Program const* program;
    usize next = 0;

    bool is_done() const { return next == program->operations.size(); }
    void take_part() {
        if (!is_restart(part_of(program->operations[next]))) ++next;
    }
};

// The decisions of one run; run by run all that are possible.
class Decisions {
public:
    unsigned decide(unsigned choices) {
        if (depth_ == path_.size()) path_.push_back({0, choices});
        return path_[depth_++].taken;
    }
    // To the next run. False: there is none.
    bool next() {
        depth_ = 0;
        while (!path_.empty() && path_.back().taken + 1 == path_.back().choices) path_.pop_back();
        if (path_.empty()) return false;
        ++path_.back().taken;
        return true;
    }

private:
    struct Decision {
        unsigned taken, choices;
    };
    std::vector<Decision> path_;
    usize depth_ = 0;
};

std::string run_parts(std::array<Runner, 2> runners, Decisions& decisions, Tally& tally) {
    is_interrupted = [&] { return decisions.decide(2) == 1; };
    while (!runners[0].is_done() || !runners[1].is_done()) {
        bool const has_choice = !runners[0].is_done() && !runners[1].is_done();
        unsigned const chosen = has_choice ? decisions.decide(2) : runners[0].is_done() ? 1 : 0;
        runners[chosen].take_part();
        ++tally.steps;
        std::string wrong = memory().check();
        if (wrong.empty()) wrong = memory().check_at_rest();
        if (!wrong.empty()) return wrong;
    }
    return judge();
}

std::string try_parts(Beginning const& beginning, Program const& one, Program const& other, Tally& tally) {
    Decisions decisions;
    do {
        begin(beginning);
        std::string const wrong = run_parts({Runner{&one}, Runner{&other}}, decisions, tally);
        memory().~SmallMemory();
        if (!wrong.empty()) return wrong;
        ++tally.orders;
    } while (decisions.next());
    return "";
}

std::function<void()> on(u32 number, Program const& program) {
    return [number, &program] {
        explorer::actor_tag() = number;
        for (Runner runner{&program}; !runner.is_done();) runner.take_part();
    };
}

std::string try_steps(bool always_interrupted, Beginning const& beginning, Program const& one, Program const& other, Tally& tally) {
    auto const start = [&] {
        begin(beginning);
        is_interrupted = [=] { return always_interrupted; };
    };
    Verdict const verdict = explore({.start = start,
                                     .actors = {on(0, one), on(1, other)},
                                     .check = [] { return memory().check(); },
                                     .judge = judge,
                                     .end = [] {},
                                     .finish = [] { memory().~SmallMemory(); }},
                                    {.preemptions = always_interrupted ? 1u : 2u});
    tally.orders += verdict.orders;
    tally.steps += verdict.steps;
    return verdict.first_failure;
}

}  // namespace

TEST_CASE("page types: every order of the parts of two processors' hypercalls") { for_every_two(try_parts); }

TEST_CASE("page types: orders of single steps, uninterrupted and interrupted wherever that can be") {
    for (bool const always_interrupted : {false, true})
        for_every_two([=](auto&... all) { return try_steps(always_interrupted, all...); });
}
