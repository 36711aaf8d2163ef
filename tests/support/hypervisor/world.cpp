// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/world.hpp"

#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/fault_injection.hpp"

#include <cstdlib>
#include <cstring>
#include <exception>

namespace hospes {

constinit u64 frame_window_base = 0;

namespace test {

namespace {
void expect(bool condition, char const* what) {
    if (!condition) throw HostPanic{std::string{"World: not so: "} + what};
}
}  // namespace

FakeRam::FakeRam(u64 count)
    : count_{count}, bytes_{static_cast<u8*>(std::aligned_alloc(kPageSize, count * kPageSize))}, entries_(count),
      populated_(count / FrameTable::kFramesPerBlock / 8 + 1, 0xff), m2p_(count, kInvalidM2pEntry) {
    std::memset(bytes_, 0xa5, count * kPageSize);
    frame_window_base = reinterpret_cast<u64>(bytes_);
    m2p_base = reinterpret_cast<u64>(m2p_.data());
    table_.init(entries_.data(), populated_.data(), count);
}

FakeRam::~FakeRam() {
    frame_window_base = 0;
    m2p_base = 0;
    std::free(bytes_);
}

World::World(u64 frames) : ram{frames} {
    machine() = FakeMachine{};
    guest_memory().reset();
    fault_injection() = FaultInjection{};
    heap.add_range(Mfn{1}, frames - 1);
    scheduler.add_pcpu(PcpuId{0});
    add_domain(0);
    free_at_start_ = heap.free_pages();
}

World::~World() noexcept(false) {
    if (std::uncaught_exceptions() > 0) return;  // it failed already: what is left tells nothing
    machine().preempt_after = -1;
    machine().is_always_wanted = false;
    fault_injection() = FaultInjection{};
    for (Domain* domain = domains.first_from(DomId{0}); domain != nullptr;) {
        u16 const next = static_cast<u16>(domain->id().raw() + 1);
        destroy(*domain);
        domain = domains.first_from(DomId{next});
    }
    reap_dead_domains(system);
    dom0().events.free_tables();
    dom0().grants.free_tables();
    expect(heap.free_pages() == free_at_start_, "every frame is free again at the end");
}

Domain& World::add_domain(u16 id, u32 vcpus) {
    Domain& domain = *create_domain(system, DomId{id}).value();
    domain.max_pages = ram.count();
    expect(create_vcpus(domain, vcpus).ok(), "a domain gets its vcpus");
    for (u32 i = 0; i < vcpus; ++i) {
        Vcpu& vcpu = *domain.vcpus[i];
        vcpu.is_initialised = true;
        if (vcpu.info != nullptr) unmask_events(vcpu);
        scheduler.set_up(vcpu);
    }
    domain.is_paused_by_control = false;
    scheduler.unpause_domain(domain);
    return domain;
}

Mfn World::populate(Domain& domain) {
    Mfn const mfn = populate_frames(domain, 0, 0).value();
    std::memset(frame_pointer(mfn), 0, kPageSize);
    return mfn;
}

Mfn World::level1_table(Domain& domain) {
    Mfn const table = populate(domain);
    expect(page_types.pin(table, domain, PageType::l1_table).ok(), "an empty table can be pinned");
    return table;
}

void World::destroy(Domain& domain) {
    Status status = destroy_domain(domain);
    for (int i = 0; !status.ok() && i < 100'000; ++i) {
        expect(status.error() == Errno::restart, "destroying a domain fails only to be restarted");
        status.~Status();
        ::new (&status) Status{destroy_domain(domain)};
    }
    expect(status.ok(), "destroying a domain comes to an end");
    reap_dead_domains(system);
}

namespace {

// Runs `hypercall` to its end as the way back to the guest does; each part of it may fetch a byte of the guest's once.
template <typename Hypercall>
i64 run_to_end(HypercallArgs& args, Hypercall hypercall) {
    for (;;) {
        guest_memory().begin_call();
        Outcome const outcome = hypercall(args);
        std::string const double_fetch = guest_memory().end_call();
        expect(double_fetch.empty(), double_fetch.c_str());
        if (outcome.ok()) return outcome.value();
        if (outcome.error() != Errno::restart) return to_abi(outcome.error());
    }
}

}  // namespace

i64 World::call(Vcpu& caller, HypercallHandler hypercall, u64 a0, u64 a1, u64 a2) {
    HypercallArgs args{{a0, a1, a2, 0, 0, 0}};
    return run_to_end(args, [&](HypercallArgs& now) { return hypercall(caller, now); });
}

i64 World::hypercall(Vcpu& caller, u64 number, std::array<u64, 6> const& arguments) {
    HypercallArgs args{arguments};
    return run_to_end(args, [&](HypercallArgs& now) { return dispatch_hypercall(caller, number, now); });
}

}  // namespace test
}  // namespace hospes
