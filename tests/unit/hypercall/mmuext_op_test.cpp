// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/fake_guest_cpu.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Extended : Stage {
    static mmuext_op op(u32 command, u64 first = 0, u64 second = 0) {
        mmuext_op result{};
        result.cmd = command;
        result.arg1.mfn = first;
        result.arg2.src_mfn = second;
        return result;
    }
    i64 call(Vcpu& caller, std::vector<mmuext_op> const& ops, u64 target = DOMID_SELF) {
        auto& list = arguments<mmuext_op>(ops.size());
        for (usize i = 0; i < ops.size(); ++i) list[i] = ops[i];
        auto& count = arguments<u32>();
        *count = 0;
        i64 const result = World::hypercall(caller, __HYPERVISOR_mmuext_op, {list.address(), ops.size(), count.address(), target});
        done = *count;
        return result;
    }
    i64 by_one(u32 command, Mfn first = Mfn{0}, u64 second = 0) { return call(one.vcpu, {op(command, first.raw(), second)}); }
    u64 references(Mfn mfn) { return RefWord::Count::get(ram.frames()[mfn].refs.load()); }
    u32 done = 0;
};

}  // namespace

TEST_CASE("a table is pinned once and unpinned once, by its owner, as what it is", "[hypercall][mmuext]") {
    Extended w;
    Mfn const page = w.one.pages[0];
    CHECK(w.by_one(MMUEXT_PIN_L1_TABLE, page) == 0);
    CHECK(w.page_types.type(page) == PageType::l1_table);
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_PIN_L1_TABLE, page));
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_PIN_L2_TABLE, page));
    CHECK(w.by_one(MMUEXT_UNPIN_TABLE, page) == 0);
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_UNPIN_TABLE, page));
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_PIN_L1_TABLE, w.two.pages[0]));
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_UNPIN_TABLE, w.two.space.l4));
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_PIN_L1_TABLE, Mfn{u64{1} << 40}));
    CHECK(w.references(page) == 1);
}

TEST_CASE("dom0 pins tables of another domain, but not of one that is being destroyed", "[hypercall][mmuext]") {
    Extended w;
    CHECK(w.call(w.zero.vcpu, {Extended::op(MMUEXT_PIN_L1_TABLE, w.one.pages[0].raw())}, 1) == 0);
    CHECK(w.call(w.zero.vcpu, {Extended::op(MMUEXT_UNPIN_TABLE, w.one.pages[0].raw())}, 1) == 0);
    CHECK_REFUSED(w, Errno::perm, w.call(w.one.vcpu, {Extended::op(MMUEXT_PIN_L1_TABLE, w.two.pages[0].raw())}, 2));
    CHECK_REFUSED(w, Errno::no_such_domain, w.call(w.zero.vcpu, {Extended::op(MMUEXT_PIN_L1_TABLE, 1)}, 77));
    for (LifeState const life : {LifeState::dying, LifeState::dead}) {
        w.one.domain.life = life;
        CHECK_REFUSED(w, Errno::no_such_domain, w.call(w.zero.vcpu, {Extended::op(MMUEXT_PIN_L1_TABLE, w.one.pages[0].raw())}, 1));
    }
    w.one.domain.life = LifeState::alive;
    for (u32 const own_only : {MMUEXT_NEW_BASEPTR, MMUEXT_NEW_USER_BASEPTR, MMUEXT_SET_LDT})
        CHECK_REFUSED(w, Errno::perm, w.call(w.zero.vcpu, {Extended::op(own_only, w.one.space.l4.raw())}, 1));
}

TEST_CASE("the old root is a page table until the processor has left it", "[hypercall][mmuext]") {
    Extended w;
    Mfn const old = w.one.space.l4;
    Mfn const root = w.one.pages[0];
    REQUIRE(w.by_one(MMUEXT_UNPIN_TABLE, old) == 0);  // now the vcpu alone holds it
    unsigned loads = 0;
    guest_cpu().on_root_load = [&](Vcpu& vcpu) {
        ++loads;
        CHECK(vcpu.pv.kernel_root == root);
        CHECK(w.page_types.type(old) == PageType::l4_table);
    };
    CHECK(w.by_one(MMUEXT_NEW_BASEPTR, root) == 0);
    CHECK(loads == 1);
    guest_cpu().on_root_load = nullptr;
    CHECK(w.page_types.type(old) == PageType::none);
    CHECK(w.page_types.type(root) == PageType::l4_table);
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_NEW_BASEPTR, w.two.space.l4));
    CHECK(w.one.vcpu.pv.kernel_root == root);
}

TEST_CASE("user mode may have a root of its own, or none", "[hypercall][mmuext]") {
    Extended w;
    Mfn const root = w.one.pages[0];
    CHECK(w.by_one(MMUEXT_NEW_USER_BASEPTR, root) == 0);
    CHECK(w.one.vcpu.pv.user_root == root);
    CHECK(w.by_one(MMUEXT_NEW_USER_BASEPTR, w.one.pages[1]) == 0);
    CHECK(w.references(root) == 1);
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_NEW_USER_BASEPTR, w.two.space.l4));
    CHECK(w.by_one(MMUEXT_NEW_USER_BASEPTR, Mfn{0}) == 0);
    CHECK(!w.one.vcpu.pv.user_root.is_valid());
    CHECK(w.references(w.one.pages[1]) == 1);
}

TEST_CASE("pages are cleared and copied where the guest could write", "[hypercall][mmuext]") {
    Extended w;
    u64* const words = frame_pointer<u64>(w.one.pages[0]);
    words[7] = 42;
    CHECK(w.by_one(MMUEXT_COPY_PAGE, w.one.pages[1], w.one.pages[0].raw()) == 0);
    CHECK(frame_pointer<u64>(w.one.pages[1])[7] == 42);
    CHECK(w.by_one(MMUEXT_CLEAR_PAGE, w.one.pages[0]) == 0);
    CHECK(words[7] == 0);
    for (Mfn const target : {w.one.space.l1, w.two.pages[0], Mfn{u64{1} << 40}}) {
        CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_CLEAR_PAGE, target));
        CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_COPY_PAGE, target, w.one.pages[0].raw()));
    }
    CHECK_REFUSED(w, Errno::invalid, w.by_one(MMUEXT_COPY_PAGE, w.one.pages[0], w.two.pages[0].raw()));
}

TEST_CASE("translations and caches are flushed by who may", "[hypercall][mmuext]") {
    Extended w;
    auto& mask = w.arguments<u64>();
    *mask = 1;
    unsigned flushes = machine().tlb_flushes;
    for (u32 const command : {MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_TLB_FLUSH_ALL, MMUEXT_TLB_FLUSH_MULTI}) {
        CHECK(w.call(w.one.vcpu, {Extended::op(command, 0, mask.address())}) == 0);
        CHECK(machine().tlb_flushes == ++flushes);
    }
    for (u32 const command : {MMUEXT_INVLPG_LOCAL, MMUEXT_INVLPG_ALL, MMUEXT_INVLPG_MULTI})
        CHECK(w.call(w.one.vcpu, {Extended::op(command, 0x5000, mask.address())}) == 0);
    for (u32 const command : {MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI})
        CHECK_REFUSED(w, Errno::fault, w.call(w.one.vcpu, {Extended::op(command, 0x5000, kNowhere)}));
    for (u32 const command : {MMUEXT_FLUSH_CACHE, MMUEXT_FLUSH_CACHE_GLOBAL}) {
        CHECK(w.call(w.zero.vcpu, {Extended::op(command)}) == 0);
        CHECK_REFUSED(w, Errno::perm, w.by_one(command));
    }
}

TEST_CASE("operations are done in order until one fails, each once if interrupted", "[hypercall][mmuext]") {
    Extended w;
    std::vector<mmuext_op> ops;
    for (unsigned i = 0; i < 8; ++i) ops.push_back(Extended::op(MMUEXT_PIN_L1_TABLE, w.one.pages[i].raw()));
    machine().preempt_after = 3;
    CHECK(w.call(w.one.vcpu, ops) == 0);
    CHECK(w.done == 8);
    for (mmuext_op& each : ops) each.cmd = MMUEXT_UNPIN_TABLE;
    ops[5].cmd = 999;
    CHECK(w.call(w.one.vcpu, ops) == to_abi(Errno::no_system_call));
    CHECK(w.done == 5);
    CHECK(w.page_types.type(w.one.pages[4]) == PageType::none);
    CHECK(w.page_types.type(w.one.pages[5]) == PageType::l1_table);
}
