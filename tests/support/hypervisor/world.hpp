// SPDX-License-Identifier: Apache-2.0
// A small machine with the real memory management, scheduler and domains of the core, on memory of the test. At its end it destroys its
// domains and checks that every frame came back: a leaked reference fails the test.
#pragma once

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/system.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "tests/support/hypervisor/fake_guest_memory.hpp"
#include "tests/support/hypervisor/fake_machine.hpp"

#include <memory>
#include <vector>

namespace hospes::test {

// Machine frames 0 to count-1, all RAM; frame 0 is never given out.
class FakeRam {
public:
    explicit FakeRam(u64 count);
    ~FakeRam();
    FakeRam(FakeRam const&) = delete;
    FakeRam& operator=(FakeRam const&) = delete;

    FrameTable& frames() { return table_; }
    u64 count() const { return count_; }

private:
    u64 count_;
    u8* bytes_;
    std::vector<FrameEntry> entries_;
    std::vector<u8> populated_;
    std::vector<u64> m2p_;
    FrameTable table_;
};

class World {
public:
    // With dom0, one vcpu.
    explicit World(u64 frames = 2048);
    // Throws HostPanic when a frame is missing.
    ~World() noexcept(false);
    World(World const&) = delete;
    World& operator=(World const&) = delete;

    // A domain that may run: `vcpus` vcpus, all up, upcalls unmasked.
    Domain& add_domain(u16 id, u32 vcpus = 1);
    Domain& dom0() { return *domains.find(kDomIdDom0).value(); }
    // A frame for `domain`; its content is zero.
    Mfn populate(Domain& domain);
    // An empty level-1 table of `domain`, pinned.
    Mfn level1_table(Domain& domain);
    // Destroys a domain to the end and frees it if nothing holds it.
    void destroy(Domain& domain);

    // What a guest sees of a hypercall: restarts are followed, errors are negative. Throws HostPanic when a byte of guest memory was read
    // twice.
    static i64 call(Vcpu& caller, HypercallHandler hypercall, u64 a0, u64 a1 = 0, u64 a2 = 0);
    // The same by the hypercall's number, with its privileges looked at.
    static i64 hypercall(Vcpu& caller, u64 number, std::array<u64, 6> const& arguments);

    FakeRam ram;
    Heap heap{ram.frames()};
    DomainList domains;
    Scheduler scheduler;
    PageTypes page_types{system};
    System system{ram.frames(), heap, page_types, domains, scheduler};

private:
    u64 free_at_start_ = 0;
};

}  // namespace hospes::test
