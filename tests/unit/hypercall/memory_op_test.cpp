// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/abi/xen.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>

using namespace hospes;
using namespace hospes::test;

namespace {

// XENMEM_populate_physmap of single frames for pfns 0, 1, 2, ...
i64 populate(Vcpu& caller, u16 domid, u64 count, unsigned address_bits, GuestArray<u64>& extents) {
    GuestArray<xen_memory_reservation_t> request;
    *request = {};
    request->extent_start.p = reinterpret_cast<xen_pfn_t*>(extents.address());
    request->nr_extents = count;
    request->mem_flags = XENMEMF_address_bits(address_bits);
    request->domid = domid;
    for (u64 i = 0; i < count; ++i) extents[i] = i;
    return World::call(caller, hypercall_memory_op, XENMEM_populate_physmap, request.address());
}

// What former owners have left in all free frames.
void leave_secrets(World& world) {
    for (u64 mfn = 1; mfn < world.ram.count(); ++mfn)
        if (world.ram.frames().owner(Mfn{mfn}) == kDomIdInvalid) std::memset(frame_pointer(Mfn{mfn}), 0x5a, kPageSize);
}

bool is_wiped(Mfn mfn) {
    u8 const* const bytes = frame_pointer<u8>(mfn);
    return std::all_of(bytes, bytes + kPageSize, [](u8 byte) { return byte == 0; });
}

}  // namespace

TEST_CASE("a domain, dom0 too, never sees what frames held before they became its own", "[hypercall][memory]") {
    World world;
    Domain& domain = world.add_domain(1);
    Domain& owner = GENERATE(true, false) ? world.dom0() : domain;
    Vcpu& caller = *owner.vcpu(VcpuId{0});
    GuestArray<u64> extents{8};
    GuestArray<xen_memory_reservation_t> request;
    *request = {};
    request->extent_start.p = reinterpret_cast<xen_pfn_t*>(extents.address());
    request->nr_extents = 8;
    request->domid = DOMID_SELF;
    leave_secrets(world);

    SECTION("populate_physmap") { CHECK(World::call(caller, hypercall_memory_op, XENMEM_populate_physmap, request.address()) == 8); }
    SECTION("increase_reservation") { CHECK(World::call(caller, hypercall_memory_op, XENMEM_increase_reservation, request.address()) == 8); }
    SECTION("exchange") {
        GuestArray<u64> old{8};
        for (u64 i = 0; i < 8; ++i) old[i] = world.populate(owner).raw();
        leave_secrets(world);
        GuestArray<xen_memory_exchange_t> exchange;
        *exchange = {};
        exchange->in = *request;
        exchange->in.extent_start.p = reinterpret_cast<xen_pfn_t*>(old.address());
        exchange->out = *request;
        CHECK(World::call(caller, hypercall_memory_op, XENMEM_exchange, exchange.address()) == 0);
    }
    for (u64 i = 0; i < 8; ++i) {
        CHECK(world.ram.frames().owner(Mfn{extents[i]}) == owner.id());
        CHECK(is_wiped(Mfn{extents[i]}));
    }
}

TEST_CASE("what the core shares with a domain holds nothing of others", "[hypercall][memory]") {
    World world;
    leave_secrets(world);
    Domain* const domain = create_domain(world.system, DomId{7}).take();
    auto const& info = *domain->shared_info;
    CHECK(std::all_of(std::begin(info.evtchn_pending), std::end(info.evtchn_pending), [](u64 word) { return word == 0; }));
    CHECK(is_wiped(domain->grants.shared_frame(0).take()));
    REQUIRE(create_vcpus(*domain, 1).ok());
    u8 const* const registers = static_cast<u8 const*>(domain->vcpus[0]->pv.fpu_area) + 32;  // behind FCW and MXCSR
    CHECK(std::all_of(registers, registers + kPageSize - 32, [](u8 byte) { return byte == 0; }));
    world.destroy(*domain);
}

TEST_CASE("only the control domain may ask for low memory", "[hypercall][memory]") {
    World world;
    Domain& domain = world.add_domain(1);
    GuestArray<u64> extents{4};
    CHECK(populate(*domain.vcpu(VcpuId{0}), DOMID_SELF, 1, 32, extents) == to_abi(Errno::perm));
    CHECK(domain.total_pages == 0);
    CHECK(populate(*domain.vcpu(VcpuId{0}), DOMID_SELF, 4, 0, extents) == 4);
    CHECK(populate(*world.dom0().vcpu(VcpuId{0}), 1, 4, 32, extents) == 4);
    CHECK(domain.total_pages == 8);
}

TEST_CASE("a long reservation that is interrupted populates each extent once", "[hypercall][memory]") {
    World world;
    Domain& domain = world.add_domain(1);
    constexpr u64 kCount = 1000;
    GuestArray<u64> extents{kCount};
    machine().preempt_after = 1;
    CHECK(populate(*domain.vcpu(VcpuId{0}), DOMID_SELF, kCount, 0, extents) == kCount);
    machine().preempt_after = -1;
    CHECK(domain.total_pages == kCount);
    for (u64 i = 0; i < kCount; ++i) CHECK(world.ram.frames().owner(Mfn{extents[i]}) == domain.id());
}
