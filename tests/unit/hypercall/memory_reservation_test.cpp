// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Reservations : Stage {
    i64 call(Vcpu& caller, u64 command, std::vector<u64> const& extents, unsigned order, u16 domid = DOMID_SELF, u64 count = 0) {
        auto& list = arguments<u64>(std::max<usize>(extents.size(), 1));
        for (usize i = 0; i < extents.size(); ++i) list[i] = extents[i];
        auto& request = arguments<xen_memory_reservation_t>();
        *request = {};
        request->extent_start.p = reinterpret_cast<xen_pfn_t*>(list.address());
        request->nr_extents = count != 0 ? count : extents.size();
        request->extent_order = order;
        request->domid = domid;
        i64 const result = World::hypercall(caller, __HYPERVISOR_memory_op, {command, request.address()});
        told.clear();
        for (usize i = 0; i < extents.size(); ++i) told.push_back(list[i]);
        return result;
    }
    std::vector<u64> told;
};

constexpr u64 kCommands[] = {XENMEM_populate_physmap, XENMEM_increase_reservation, XENMEM_decrease_reservation};

}  // namespace

TEST_CASE("an extent has an order that the caller may ask for", "[hypercall][memory]") {
    Reservations w;
    for (u64 const command : kCommands) {
        for (unsigned const order : {10u, 63u, 64u, 255u}) CHECK_REFUSED(w, Errno::invalid, w.call(w.one.vcpu, command, {1}, order));
        for (unsigned const order : {13u, 63u, 64u, 255u}) CHECK_REFUSED(w, Errno::invalid, w.call(w.zero.vcpu, command, {1}, order));
        CHECK_REFUSED(w, Errno::invalid, w.call(w.one.vcpu, command, {1}, 0, DOMID_SELF, ~u64{0}));
    }
    CHECK(w.call(w.one.vcpu, XENMEM_populate_physmap, {64}, 4) == 1);
    CHECK(w.call(w.zero.vcpu, XENMEM_increase_reservation, {0}, 9) == 0);  // may be asked for, and is not there
}

TEST_CASE("only the control domain changes the reservation of another", "[hypercall][memory]") {
    Reservations w;
    for (u64 const command : kCommands) {
        CHECK_REFUSED(w, Errno::perm, w.call(w.one.vcpu, command, {w.two.pages[0].raw()}, 0, 2));
        CHECK_REFUSED(w, Errno::no_such_domain, w.call(w.zero.vcpu, command, {1}, 0, 77));
    }
    CHECK(w.call(w.zero.vcpu, XENMEM_populate_physmap, {9}, 0, 2) == 1);
    CHECK(w.ram.frames().owner(Mfn{w.told[0]}) == DomId{2});
}

TEST_CASE("a domain gets no more than its limit, and is told how far it came", "[hypercall][memory]") {
    Reservations w;
    w.one.domain.max_pages = w.one.domain.total_pages + 3;
    CHECK(w.call(w.one.vcpu, XENMEM_populate_physmap, {1, 2, 3, 4, 5}, 0) == 3);
    CHECK(w.call(w.one.vcpu, XENMEM_increase_reservation, {0}, 0) == 0);
    CHECK(w.one.domain.total_pages == w.one.domain.max_pages);
    w.one.domain.max_pages = u64{1} << 32;  // a limit of no pages, in 32 bits
    CHECK(w.call(w.one.vcpu, XENMEM_increase_reservation, {0}, 0) == 1);
}

TEST_CASE("the limit is one of 64 bits", "[hypercall][memory]") {
    Reservations w;
    u64 const pages = w.one.domain.total_pages;
    w.one.domain.max_pages = 8;
    w.one.domain.total_pages = (u64{1} << 32) - 1;
    CHECK(w.call(w.one.vcpu, XENMEM_populate_physmap, {1}, 0) == 0);
    w.one.domain.total_pages = pages;
}

TEST_CASE("a frame goes back once, and only its owner's own reference", "[hypercall][memory]") {
    Reservations w;
    u64 const page = w.one.pages[0].raw();
    u64 const pages = w.one.domain.total_pages;
    CHECK(w.call(w.one.vcpu, XENMEM_decrease_reservation, {page, page}, 0) == 1);
    CHECK(w.one.domain.total_pages == pages - 1);
    CHECK(w.call(w.one.vcpu, XENMEM_decrease_reservation, {w.two.pages[0].raw()}, 0) == 0);
    CHECK(w.call(w.one.vcpu, XENMEM_decrease_reservation, {u64{1} << 40}, 0) == 0);
    CHECK(w.call(w.one.vcpu, XENMEM_decrease_reservation, {w.one.domain.shared_info_frame.raw()}, 0) == 0);
    CHECK(w.ram.frames().owner(w.one.domain.shared_info_frame) == DomId{1});
    // A mapped frame stays the domain's until the mapping goes.
    map_page(w.one.vcpu, w.one.space, 0, w.one.pages[1]);
    CHECK(w.call(w.one.vcpu, XENMEM_decrease_reservation, {w.one.pages[1].raw()}, 0) == 1);
    CHECK(w.ram.frames().owner(w.one.pages[1]) == DomId{1});
    CHECK(w.one.domain.total_pages == pages - 1);
}
