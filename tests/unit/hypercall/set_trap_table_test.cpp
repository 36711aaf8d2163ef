// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/x86/layout.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kHandler = 0xffff'ffff'8100'0000;

struct Traps : Stage {
    i64 set(std::vector<trap_info_t> const& entries) {
        auto& table = arguments<trap_info_t>(entries.size());
        for (usize i = 0; i < entries.size(); ++i) table[i] = entries[i];
        return World::hypercall(one.vcpu, __HYPERVISOR_set_trap_table, {table.address()});
    }
};

}  // namespace

TEST_CASE("trap handlers are merged into the table until an entry with address 0", "[hypercall][traps]") {
    Traps w;
    PvState const& pv = w.one.vcpu.pv;
    CHECK(w.set({{13, 0, 0xe033, kHandler, }, {0x80, 3 | 4, 0xe033, kHandler + 1}, {0, 0, 0, 0}, {14, 0, 0, kHandler}}) == 0);
    CHECK(pv.traps[13].address == kHandler);
    CHECK(pv.traps[13].dpl == 0);
    CHECK(!pv.traps[13].masks_events);
    CHECK(pv.traps[0x80].dpl == 3);
    CHECK(pv.traps[0x80].masks_events);
    CHECK(pv.traps[14].address == 0);
    CHECK(w.set({{14, 0, 0, kHandler + 2}, {}}) == 0);
    CHECK(pv.traps[13].address == kHandler);
    CHECK(pv.traps[14].address == kHandler + 2);
}

TEST_CASE("a null trap table clears it", "[hypercall][traps]") {
    Traps w;
    CHECK(w.set({{13, 0, 0, kHandler}, {}}) == 0);
    CHECK(World::hypercall(w.one.vcpu, __HYPERVISOR_set_trap_table, {0}) == 0);
    CHECK(w.one.vcpu.pv.traps[13].address == 0);
}

TEST_CASE("a trap table with a bad entry, too many or no end changes nothing", "[hypercall][traps]") {
    Traps w;
    CHECK_REFUSED(w, Errno::invalid, w.set({{13, 0, 0, kHandler}, {14, 0, 0, kHypervisorStart}, {}}));
    CHECK_REFUSED(w, Errno::invalid, w.set(std::vector<trap_info_t>(257, trap_info_t{13, 0, 0, kHandler})));
    CHECK_REFUSED(w, Errno::fault, w.set({{13, 0, 0, kHandler}}));
    std::vector<trap_info_t> all(257, trap_info_t{13, 0, 0, kHandler});
    all.back() = {};
    CHECK(w.set(all) == 0);
}
