// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/abi/xen.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

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

}  // namespace

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
    constexpr u64 kCount = 100;
    GuestArray<u64> extents{kCount};
    machine().preempt_after = 2;
    CHECK(populate(*domain.vcpu(VcpuId{0}), DOMID_SELF, kCount, 0, extents) == kCount);
    machine().preempt_after = -1;
    CHECK(domain.total_pages == kCount);
    for (u64 i = 0; i < kCount; ++i) CHECK(world.ram.frames().owner(Mfn{extents[i]}) == domain.id());
}
