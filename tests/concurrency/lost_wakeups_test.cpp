// SPDX-License-Identifier: Apache-2.0
// Every order of the real steps of two or three pcpus where something could be forgotten: a vcpu that sleeps on beside an event, a pcpu
// that halts beside work, a pause that does not hold.
#include "tests/concurrency/explorer.hpp"
#include "tests/concurrency/small_machine.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/sched/accounting.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/tlb.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;
using explorer::explore;
using explorer::kUnlimited;
using explorer::Limits;
using explorer::Verdict;

namespace hospes {

PcpuId this_pcpu_id() { return PcpuId{explorer::actor_tag()}; }
void relax_while_waiting() { explorer::wait_for_change(); }
Nanoseconds system_time() { return Nanoseconds::from_ms(1); }
void program_timer(Nanoseconds) {}
u64 tlb_clock() { return 0; }

namespace test {

void become_pcpu(u32 pcpu) { explorer::actor_tag() = pcpu; }
void let_others_go_on() { explorer::step_aside(); }
void take_timer(SmallPcpu&) {}
void halt(SmallPcpu& pcpu) {
    explorer::wait_until(&pcpu.is_interrupted, [&] { return explorer::holds(pcpu.is_interrupted, true) || explorer::holds(small_machine->stop, true); });
    pcpu.is_interrupted.store(false);
}

}  // namespace test
}  // namespace hospes

namespace {

// Preemptions in a run: of two actors, and where there are more of them or more steps.
constexpr unsigned kDepth = 3;
constexpr unsigned kSmallDepth = 2;

alignas(64) u8 storage[sizeof(SmallMachine)];
Vcpu* a = nullptr;  // of the machine that is made for a run
Vcpu* b = nullptr;
Vcpu* c = nullptr;
EventPort port_of_a;

SmallMachine& world() { return *small_machine; }

void settle(u32 pcpus) {
    for (u32 i = 0; i < pcpus; ++i) {
        become_pcpu(i);
        while (world().scheduler.wants_decision(PcpuId{i})) world().pcpus[i].running = world().scheduler.pick_next(PcpuId{i}, world().pcpus[i].running, system_time());
        world().pcpus[i].kicked = false;
        world().pcpus[i].is_interrupted = false;
    }
    become_pcpu(0);
}

// A machine with two domains of one vcpu, a and b, that have settled on their pcpus.
void make_machine(u32 pcpus, bool is_a_blocked, bool is_b_blocked) {
    auto* const machine = ::new (storage) SmallMachine{pcpus};
    a = machine->add_domain(1, is_a_blocked).vcpus[0];
    b = machine->add_domain(1, is_b_blocked).vcpus[0];
    port_of_a = machine->add_port(*a);
    settle(pcpus);
}

Outcome sched_op(Vcpu& vcpu, u32 command, void const* argument = nullptr) {
    HypercallArgs args{{command, reinterpret_cast<u64>(argument), 0, 0, 0, 0}};
    return hypercall_sched_op(vcpu, args);
}

void send_to_a() {
    if (!a->domain().events.send(port_of_a).ok()) throw std::logic_error{"nothing sent"};
}

bool is_running(Vcpu const& vcpu) {
    u32 const pcpu = vcpu.sched.pcpu.load().raw();
    return world().pcpus[pcpu].running == &vcpu;
}

// The guest of `vcpu`: `first` once, then it computes. What `first` says: has it entered the core?
void let_begin_with(Vcpu const& vcpu, std::function<bool(Vcpu&)> const& first) {
    world().guest_of(vcpu).go_on = [first, has_begun = false](Vcpu& self) mutable {
        if (has_begun) return false;
        has_begun = true;
        return first(self);
    };
}

struct Case {
    std::function<void()> start;
    std::vector<std::function<void()>> actors;
    std::function<std::string()> judge;
};

Verdict try_all(Case const& each, Limits const& limits) {
    Verdict const verdict = explore({.start = each.start,
                                     .actors = each.actors,
                                     .judge = each.judge,
                                     .end = [] { world().stop = true; },
                                     .finish = [] { world().~SmallMachine(); }},
                                    limits);
    UNSCOPED_INFO(verdict.orders << " orders, " << verdict.steps << " steps");
    if (std::getenv("VERBOSE") != nullptr) std::printf("%-64s %9lu orders %11lu steps\n", Catch::getResultCapture().getCurrentTestName().c_str(), verdict.orders, verdict.steps);
    return verdict;
}

void require_always(unsigned preemptions, Case const& each) {
    Verdict const verdict = try_all(each, {.preemptions = preemptions});
    INFO(verdict.first_failure);
    REQUIRE(verdict.failures == 0);
    REQUIRE(verdict.orders > 1);
}

std::function<void()> pcpu(u32 number) {
    return [number] { world().run_pcpu(number); };
}
// Runs `body` on a pcpu that does nothing else.
std::function<void()> on(u32 number, std::function<void()> const& body) {
    return [=] {
        become_pcpu(number);
        body();
    };
}

std::string event_arrives() { return world().guest_of(*a).events == 1 ? "" : "a sleeps beside an event"; }
std::string event_arrives_and_a_goes_on() { return is_running(*a) ? event_arrives() : "a does not go on"; }

}  // namespace

TEST_CASE("block against send", "[interleaving]") {
    require_always(kDepth, {[] {
                        make_machine(1, false, true);
                        let_begin_with(*a, [](Vcpu& vcpu) { return sched_op(vcpu, SCHEDOP_block).ok(); });
                    },
                    {pcpu(0), on(1, send_to_a)}, event_arrives});
}

TEST_CASE("a sender that finds the vcpu running interrupts it", "[interleaving]") {
    require_always(kUnlimited, {[] { make_machine(1, false, true); }, {pcpu(0), on(1, send_to_a)}, event_arrives_and_a_goes_on});
}

TEST_CASE("an idle pcpu against a send: kick and halt", "[interleaving]") {
    require_always(kDepth, {[] { make_machine(1, true, true); }, {pcpu(0), on(1, send_to_a)}, event_arrives_and_a_goes_on});
}

TEST_CASE("a blocked vcpu and two senders", "[interleaving]") {
    require_always(kSmallDepth, {[] {
                        make_machine(1, true, true);
                    },
                    {pcpu(0), on(1, send_to_a), on(2, send_to_a)},
                    [] { return is_running(*a) && world().guest_of(*a).events >= 1 ? std::string{} : "a sleeps beside an event"; }});
}

TEST_CASE("poll against send", "[interleaving]") {
    require_always(kDepth, {[] {
                        make_machine(1, false, true);
                        a->domain().shared_info->evtchn_mask[0] = ~0ul;
                        let_begin_with(*a, [](Vcpu& vcpu) {
                            evtchn_port_t const port = port_of_a.raw();
                            sched_poll_t request{};
                            request.ports.p = const_cast<evtchn_port_t*>(&port);
                            request.nr_ports = 1;
                            return sched_op(vcpu, SCHEDOP_poll, &request).ok();
                        });
                    },
                    {pcpu(0), on(1, send_to_a)},
                    [] { return is_running(*a) ? std::string{} : "a polls on beside an event on its port"; }});
}

TEST_CASE("pause against run: a paused vcpu stops", "[interleaving]") {
    require_always(kUnlimited, {[] { make_machine(1, false, true); }, {pcpu(0), on(1, [] { world().scheduler.pause(*a); })},
                    [] { return !is_running(*a) && !Scheduler::is_running(*a) ? std::string{} : "a runs although it is paused"; }});
}

TEST_CASE("pause and unpause against run and against a wake", "[interleaving]") {
    require_always(kSmallDepth, {[] { make_machine(1, true, true); },
                    {pcpu(0), on(1, [] {
                         world().scheduler.pause(*a);
                         world().scheduler.unpause(*a);
                     }),
                     on(2, [] { world().scheduler.wake(*a); })},
                    [] { return is_running(*a) ? std::string{} : "a does not go on"; }});
}

TEST_CASE("block against pause and unpause of the domain", "[interleaving]") {
    require_always(kDepth, {[] {
                        make_machine(1, false, true);
                        let_begin_with(*a, [](Vcpu& vcpu) { return sched_op(vcpu, SCHEDOP_block).ok(); });
                    },
                    {pcpu(0), on(1, [] {
                         world().scheduler.pause_domain(a->domain());
                         world().scheduler.unpause_domain(a->domain());
                     })},
                    [] { return !is_running(*a) && a->sched.state.load() == RunState::blocked ? std::string{} : "a does not block"; }});
}

TEST_CASE("two vcpus wake up on one of two idle pcpus: both run", "[interleaving]") {
    require_always(kSmallDepth, {[] { make_machine(2, true, true); },
                    {pcpu(0), pcpu(1), on(2, [] {
                         world().scheduler.wake(*a);
                         world().scheduler.wake(*b);
                     })},
                    [] { return is_running(*a) && is_running(*b) ? std::string{} : "a pcpu idles beside a vcpu that waits"; }});
}

TEST_CASE("a pcpu becomes idle while a vcpu starts to wait at another", "[interleaving]") {
    require_always(kSmallDepth, {[] {
                        make_machine(2, false, false);
                        c = world().add_domain(1, true).vcpus[0];
                        settle(2);  // a and b run, c sleeps
                        let_begin_with(*a, [](Vcpu& vcpu) {
                            vcpu.domain().system().scheduler.wake(*c);
                            return true;
                        });
                        let_begin_with(*b, [](Vcpu& vcpu) { return sched_op(vcpu, SCHEDOP_block).ok(); });
                    },
                    {pcpu(0), pcpu(1)},
                    [] { return is_running(*a) && is_running(*c) ? std::string{} : "a pcpu idles beside a vcpu that waits"; }});
}

TEST_CASE("a pcpu goes away while a vcpu wakes up", "[interleaving]") {
    require_always(kDepth, {[] { make_machine(2, true, true); },
                    {pcpu(0), on(2, [] { world().scheduler.wake(*a); }), on(1, [] { world().scheduler.remove_pcpu(PcpuId{1}); })},
                    [] { return is_running(*a) && world().pcpus[0].running == a ? std::string{} : "a waits where nobody comes"; }});
}

// The explorer sees what it is there to see.

TEST_CASE("found: a vcpu that looks for events before it is known to sleep", "[interleaving][control]") {
    Verdict const verdict = try_all({[] {
                                         make_machine(1, false, true);
                                         let_begin_with(*a, [](Vcpu& vcpu) {
                                             if (!has_deliverable_event(vcpu)) world().scheduler.block(vcpu);
                                             return true;
                                         });
                                     },
                                     {pcpu(0), on(1, send_to_a)}, event_arrives},
                                    {.preemptions = 2, .counts_failures = true});
    REQUIRE(verdict.failures > 0);
    REQUIRE(verdict.failures < verdict.orders);
}

TEST_CASE("found: a store that waits in its buffer while a load passes it", "[interleaving][control]") {
    static std::atomic<u32> x{0}, y{0};
    static u32 seen_x = 0, seen_y = 0;
    for (bool const is_ordered : {true, false}) {
        auto const order = is_ordered ? std::memory_order_seq_cst : std::memory_order_release;
        Verdict const verdict = try_all({[] {
                                             make_machine(1, true, true);
                                             x = 0;
                                             y = 0;
                                         },
                                         {[=] {
                                              x.store(1, order);
                                              seen_y = y.load();
                                          },
                                          [=] {
                                              y.store(1, order);
                                              seen_x = x.load();
                                          }},
                                         [] { return seen_x == 0 && seen_y == 0 ? "both have passed the other" : std::string{}; }},
                                        {.counts_failures = true});
        REQUIRE((verdict.failures == 0) == is_ordered);
    }
}
