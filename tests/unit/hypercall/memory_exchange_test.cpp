// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Trade : Stage {
    // A side of the exchange with `count` extents, of which the first are `values`.
    xen_memory_reservation_t side(std::vector<u64> const& values, u64 count, unsigned order) {
        auto& list = arguments<u64>(std::max<usize>(values.size(), 1));
        for (usize i = 0; i < values.size(); ++i) list[i] = values[i];
        xen_memory_reservation_t result{};
        result.extent_start.p = reinterpret_cast<xen_pfn_t*>(list.address());
        result.nr_extents = count;
        result.extent_order = order;
        result.domid = DOMID_SELF;
        return result;
    }
    i64 exchange(Vcpu& caller, xen_memory_reservation_t const& in, xen_memory_reservation_t const& out, u64 done = 0) {
        auto& request = arguments<xen_memory_exchange_t>();
        *request = {};
        request->in = in;
        request->out = out;
        request->nr_exchanged = done;
        i64 const result = World::hypercall(caller, __HYPERVISOR_memory_op, {XENMEM_exchange, request.address()});
        exchanged = request->nr_exchanged;
        return result;
    }
    std::vector<u64> frames(Domain& domain, unsigned count) {
        std::vector<u64> result;
        for (unsigned i = 0; i < count; ++i) result.push_back(populate(domain).raw());
        return result;
    }
    u64 exchanged = 0;
};

}  // namespace

TEST_CASE("an exchange trades frames for others, and the domain has as many as before", "[hypercall][memory]") {
    Trade w;
    auto const mine = w.frames(w.one.domain, 3);
    u64 const pages = w.one.domain.total_pages;
    CHECK(w.exchange(w.one.vcpu, w.side(mine, 3, 0), w.side({100, 101, 102}, 3, 0)) == 0);
    CHECK(w.exchanged == 3);
    CHECK(w.one.domain.total_pages == pages);
}

TEST_CASE("dom0 gets one extent for many frames, and the other way round", "[hypercall][memory]") {
    Trade w;
    auto const mine = w.frames(w.zero.domain, 4);
    CHECK(w.exchange(w.zero.vcpu, w.side(mine, 4, 0), w.side({100}, 1, 2)) == 0);
    CHECK(w.exchanged == 4);
    auto const others = w.frames(w.one.domain, 4);
    CHECK_REFUSED(w, Errno::perm, w.exchange(w.one.vcpu, w.side(others, 4, 0), w.side({100}, 1, 2)));
}

TEST_CASE("an exchange whose sizes overflow, differ or are too large is refused", "[hypercall][memory]") {
    Trade w;
    u64 const half = u64{1} << 63;
    CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, w.side({}, half, 1), w.side({}, 0, 0)));
    CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, w.side({}, 0, 0), w.side({}, half, 1)));
    CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, w.side({1}, half | 1, 1), w.side({1}, 1, 1)));
    CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, w.side({1}, 1, 0), w.side({1}, 2, 0)));
    for (unsigned const order : {10u, 18u, 31u, 63u, 64u, 255u}) {
        CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, w.side({1}, 1, order), w.side({1}, 1, order)));
        CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, w.side({1}, 1, 0), w.side({1}, 1, order)));
    }
    CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, w.side({1}, 1, 0), w.side({1}, 1, 0), 2));
    CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, w.side({1, 2}, 2, 0), w.side({1}, 1, 1), 1));  // in the middle of a chunk
}

TEST_CASE("only frames of one's own that nobody uses are traded; else all stay", "[hypercall][memory]") {
    Trade w;
    auto mine = w.frames(w.zero.domain, 2);
    auto const refused = [&](u64 frame, Errno error) {
        CHECK_REFUSED(w, error, w.exchange(w.zero.vcpu, w.side({mine[0], frame}, 2, 0), w.side({100}, 1, 1)));
        CHECK(RefWord::Allocated::get(w.ram.frames()[Mfn{mine[0]}].refs.load()) == 1);
    };
    refused(w.one.pages[0].raw(), Errno::invalid);          // another's
    refused(mine[0], Errno::invalid);                       // twice
    refused(u64{1} << 40, Errno::invalid);                  // no RAM
    refused(w.zero.space.l1.raw(), Errno::busy);            // a page table
    map_page(w.zero.vcpu, w.zero.space, 0, Mfn{mine[1]}, false);
    refused(mine[1], Errno::invalid);                       // mapped
    map_page(w.zero.vcpu, w.zero.space, 0, Mfn{mine[1]}, true);
    refused(mine[1], Errno::busy);                          // mapped writable
}

TEST_CASE("an exchange on behalf of another domain is refused", "[hypercall][memory]") {
    Trade w;
    auto in = w.side({w.one.pages[0].raw()}, 1, 0);
    auto out = w.side({100}, 1, 0);
    in.domid = out.domid = 1;
    CHECK_REFUSED(w, Errno::perm, w.exchange(w.zero.vcpu, in, out));
    out.domid = 2;
    CHECK_REFUSED(w, Errno::invalid, w.exchange(w.zero.vcpu, in, out));
}
