// SPDX-License-Identifier: Apache-2.0
// Pcpus that are host threads, guests that block, poll, yield, send and set timers at random, and one thread more that pauses, pins,
// caps and reweighs them, under the thread sanitizer. In between it sends an event to one vcpu and waits until its handler has seen it.
#include "tests/concurrency/small_machine.hpp"

#include "hypervisor/core/time/timers.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/tlb.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <random>
#include <thread>

using namespace hospes;
using namespace hospes::test;

// The first race ends the program.
extern "C" char const* __tsan_default_options();
extern "C" char const* __tsan_default_options() { return "halt_on_error=1"; }

namespace {

constexpr u32 kPcpus = 3;
constexpr u32 kController = 3;  // plays a pcpu that runs no vcpus
constexpr u32 kDomains = 6;
constexpr u32 kVcpus = 2;
constexpr auto kPatience = std::chrono::seconds{60};  // then an event is lost

thread_local u32 own_pcpu = 0;
thread_local Nanoseconds own_timer = Nanoseconds::never();

}  // namespace

namespace hospes {

PcpuId this_pcpu_id() { return PcpuId{own_pcpu}; }
void relax_while_waiting() { std::this_thread::yield(); }
Nanoseconds system_time() { return Nanoseconds{static_cast<u64>(std::chrono::steady_clock::now().time_since_epoch().count())}; }
void program_timer(Nanoseconds deadline) { own_timer = deadline; }
u64 tlb_clock() { return 0; }

namespace test {

void become_pcpu(u32 pcpu) { own_pcpu = pcpu; }
void let_others_go_on() { std::this_thread::yield(); }
void take_timer(SmallPcpu& pcpu) {
    if (system_time() < own_timer) return;
    pcpu.kicked.store(true);  // as machine/clock.cpp: what is due is found by the loop
    own_timer = Nanoseconds::never();
}
void halt(SmallPcpu& pcpu) {
    while (!pcpu.is_interrupted.exchange(false)) {
        take_timer(pcpu);
        if (pcpu.kicked.load() || small_machine->stop.load()) return;
        std::this_thread::sleep_for(std::chrono::microseconds{10});
    }
}

}  // namespace test
}  // namespace hospes

namespace {

class Load {
public:
    Load() {
        for (u32 i = 0; i < kDomains; ++i) {
            Domain& domain = machine.add_domain(kVcpus, i % 2 == 0);
            for (u32 id = 0; id < kVcpus; ++id) {
                Vcpu& vcpu = *domain.vcpus[id];
                vcpus.push_back(&vcpu);
                ports.push_back(machine.add_port(vcpu));
                machine.guest_of(vcpu).go_on = [this, rng = std::mt19937{i * kVcpus + id}](Vcpu& self) mutable { return act(self, rng); };
            }
        }
        for (u32 i = 0; i < kPcpus; ++i) threads.emplace_back([this, i] { machine.run_pcpu(i); });
        become_pcpu(kController);
    }
    ~Load() {
        machine.stop = true;
        for (std::thread& thread : threads) thread.join();
    }

    void send(usize to) { REQUIRE(vcpus[to]->domain().events.send(ports[to]).ok()); }

    // An event reaches its guest, whatever else happens.
    void ping(usize to) {
        std::atomic<u64>& events = machine.guest_of(*vcpus[to]).events;
        u64 const before = events.load();
        send(to);
        auto const end = std::chrono::steady_clock::now() + kPatience;
        while (events.load() == before) {
            if (std::chrono::steady_clock::now() > end) FAIL("vcpu " << to << " sleeps beside an event");
            std::this_thread::yield();
        }
    }

    SmallMachine machine{kPcpus};
    std::vector<Vcpu*> vcpus;
    std::vector<EventPort> ports;
    std::vector<std::thread> threads;

private:
    static bool poll(Vcpu& self, evtchn_port_t port, u64 timeout) {
        sched_poll_t request{};
        request.ports.p = &port;
        request.nr_ports = 1;
        request.timeout = timeout;
        HypercallArgs args{{SCHEDOP_poll, reinterpret_cast<u64>(&request), 0, 0, 0, 0}};
        return hypercall_sched_op(self, args).ok();
    }
    bool act(Vcpu& self, std::mt19937& rng) {
        usize const number = self.domain().id().raw() * kVcpus + self.id().raw();
        switch (rng() % 8) {
        case 0:
        case 1: {
            HypercallArgs args{{SCHEDOP_block, 0, 0, 0, 0, 0}};
            return hypercall_sched_op(self, args).ok();
        }
        case 2: return poll(self, ports[number].raw(), (system_time() + Nanoseconds{50'000}).raw());
        case 3: {
            HypercallArgs args{{SCHEDOP_yield, 0, 0, 0, 0, 0}};
            return hypercall_sched_op(self, args).ok();
        }
        case 4: set_singleshot(self, system_time() + Nanoseconds{rng() % 100'000}); return true;
        default: {
            usize const other = rng() % vcpus.size();
            return vcpus[other]->domain().events.send(ports[other]).ok();
        }
        }
    }
};

void change_something(Load& load, std::mt19937& rng) {
    Scheduler& scheduler = load.machine.scheduler;
    Vcpu& vcpu = *load.vcpus[rng() % load.vcpus.size()];
    switch (rng() % 8) {
    case 0:
        scheduler.pause(vcpu);
        while (Scheduler::is_running(vcpu)) relax_while_waiting();
        return scheduler.unpause(vcpu);
    case 1:
        scheduler.pause_domain(vcpu.domain());
        return scheduler.unpause_domain(vcpu.domain());
    case 2: return scheduler.set_affinity(vcpu, 1 + rng() % 7, ~PcpuMask{0});
    case 3: return scheduler.set_weight(vcpu.domain(), 1 + rng() % 1024);
    case 4: return scheduler.set_cap(vcpu.domain(), rng() % 2 * 80);
    case 5:
        scheduler.remove_pcpu(PcpuId{kPcpus - 1});
        return scheduler.add_pcpu(PcpuId{kPcpus - 1});
    case 6: (void)scheduler.times_of(vcpu, system_time()); return;
    default:
        scheduler.set_down(vcpu);
        return scheduler.set_up(vcpu);
    }
}

}  // namespace

TEST_CASE("under random load on several pcpus every event reaches its guest, and nothing races", "[races]") {
    Load load;
    std::mt19937 rng{1};
    u32 const rounds = std::getenv("ROUNDS") != nullptr ? static_cast<u32>(std::strtoul(std::getenv("ROUNDS"), nullptr, 10)) : 20'000;
    for (u32 i = 0; i < rounds; ++i) {
        change_something(load, rng);
        if (i % 4 == 0) load.ping(rng() % load.vcpus.size());
    }
    for (usize i = 0; i < load.vcpus.size(); ++i) load.ping(i);
}
