// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/abi/xen.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

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

namespace {

// Trades frames for one extent of the same size below an address limit, whose pfns start at 100.
struct Trade {
    explicit Trade(std::vector<u64> const& frames, unsigned order, unsigned bits = 0) : old{frames.size()} {
        std::copy(frames.begin(), frames.end(), &old[0]);
        fresh[0] = 100;
        *request = {};
        request->in.extent_start.p = reinterpret_cast<xen_pfn_t*>(old.address());
        request->in.nr_extents = frames.size();
        request->in.domid = DOMID_SELF;
        request->out = request->in;
        request->out.extent_start.p = reinterpret_cast<xen_pfn_t*>(fresh.address());
        request->out.nr_extents = frames.size() >> order;
        request->out.extent_order = order;
        request->out.mem_flags = XENMEMF_address_bits(bits);
    }
    i64 run(Domain& domain) { return World::call(*domain.vcpu(VcpuId{0}), hypercall_memory_op, XENMEM_exchange, request.address()); }

    GuestArray<u64> old;
    GuestArray<u64> fresh{1};
    GuestArray<xen_memory_exchange_t> request;
};

u64 m2p_of(Mfn mfn) { return reinterpret_cast<u64 const*>(m2p_base)[mfn.raw()]; }

std::vector<u64> run_of(Mfn first, u64 count) {
    std::vector<u64> frames;
    for (u64 i = 0; i < count; ++i) frames.push_back(first.raw() + i);
    return frames;
}

}  // namespace

TEST_CASE("exchange leaves frames that are what is asked for where they are", "[hypercall][memory]") {
    World world;
    Domain& dom0 = world.dom0();
    Mfn const block = populate_frames(dom0, 4, 0).take();
    u64 const pages = dom0.total_pages, free = world.system.heap.free_pages();
    frame_pointer<u8>(block)[0] = 0x77;

    SECTION("an aligned extent stays with its contents, twice as well, and gets its new pfns") {
        for (int i = 0; i < 2; ++i) {
            Trade trade{run_of(block, 8), 3};
            CHECK(trade.run(dom0) == 0);
            CHECK(trade.request->nr_exchanged == 8);
            CHECK(trade.fresh[0] == block.raw());
        }
        CHECK(m2p_of(block + 7) == 107);
        CHECK(frame_pointer<u8>(block)[0] == 0x77);
    }
    SECTION("not so: unaligned, out of order, out of reach") {
        unsigned const reach = 12 + static_cast<unsigned>(std::bit_width(block.raw()) - 1);
        std::vector<u64> swapped = run_of(block, 8);
        std::swap(swapped[2], swapped[3]);
        auto [frames, bits] = GENERATE_COPY(table<std::vector<u64>, unsigned>(
            {{run_of(block + 1, 8), 0u}, {swapped, 0u}, {run_of(block, 8), reach}}));
        Trade trade{frames, 3, bits};
        CHECK(trade.run(dom0) == 0);
        Mfn const fresh{trade.fresh[0]};
        CHECK(fresh != block);
        CHECK(fresh.raw() % 8 == 0);
        if (bits != 0) CHECK((fresh + 7).raw() < frame_limit(bits));
        CHECK(is_wiped(fresh));
        CHECK(m2p_of(fresh + 7) == 107);
        CHECK(world.ram.frames().owner(Mfn{frames[0]}) == kDomIdInvalid);
    }
    SECTION("not at all: a frame twice, a frame that somebody else refers to") {
        std::vector<u64> frames = run_of(block, 8);
        bool const is_referenced = GENERATE(true, false);
        if (is_referenced) REQUIRE(world.system.page_types.get_page(block + 5, dom0.id()).ok());
        else frames[7] = frames[6];
        Trade trade{frames, 3};
        CHECK(trade.run(dom0) < 0);
        CHECK(trade.request->nr_exchanged == 0);
        if (is_referenced) world.system.page_types.put_page(block + 5);
        CHECK(Trade{run_of(block, 8), 3}.run(dom0) == 0);  // every mark is back
    }
    CHECK(dom0.total_pages == pages);
    CHECK(world.system.heap.free_pages() == free);
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
