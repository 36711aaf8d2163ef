// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/layout.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/recount.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kPlain = Pte::kPresent | Pte::kUser;

struct Updates : Stage {
    i64 update(Vcpu& caller, std::vector<mmu_update_t> const& requests, u64 owner = DOMID_SELF) {
        auto& list = arguments<mmu_update_t>(std::max<usize>(requests.size(), 1));
        for (usize i = 0; i < requests.size(); ++i) list[i] = requests[i];
        auto& count = arguments<u32>();
        *count = 0;
        i64 const result = World::hypercall(caller, __HYPERVISOR_mmu_update, {list.address(), requests.size(), count.address(), owner});
        done = *count;
        return result;
    }
    u64 references(Mfn mfn) { return RefWord::Count::get(ram.frames()[mfn].refs.load()); }
    u64 m2p(Mfn mfn) { return reinterpret_cast<u64 const*>(m2p_base)[mfn.raw()]; }
    u32 done = 0;
};

}  // namespace

TEST_CASE("an update of the machine-to-physical table is for a frame of one's own, and leaves no reference", "[hypercall][mmu_update]") {
    Updates w;
    Mfn const page = w.one.pages[0];
    CHECK(w.update(w.one.vcpu, {{maddr_of(page).raw() | MMU_MACHPHYS_UPDATE, 300}}) == 0);
    CHECK(w.m2p(page) == 300);
    CHECK(w.references(page) == 1);
    CHECK(w.update(w.one.vcpu, {{maddr_of(w.two.pages[0]).raw() | MMU_MACHPHYS_UPDATE, 301}}) == to_abi(Errno::invalid));
    CHECK(w.m2p(w.two.pages[0]) != 301);
    CHECK(w.update(w.zero.vcpu, {{maddr_of(page).raw() | MMU_MACHPHYS_UPDATE, 302}}, 1) == 0);  // dom0 builds domain one
    CHECK(w.references(page) == 1);
}

TEST_CASE("updates are done in order until one is refused, and the guest is told how many", "[hypercall][mmu_update]") {
    Updates w;
    auto const entry = [&](unsigned i) { return w.one.space.entry(i).raw(); };
    u64 const good = Pte::make(w.one.pages[0], kPlain).raw();
    CHECK(w.update(w.one.vcpu, {{entry(0), good}, {entry(1), good}, {entry(2), Pte::make(w.two.pages[0], kPlain).raw()}, {entry(3), good}}) ==
          to_abi(Errno::invalid));
    CHECK(w.done == 2);
    CHECK(frame_pointer<u64>(w.one.space.l1)[1] == good);
    CHECK(frame_pointer<u64>(w.one.space.l1)[2] == 0);
    CHECK(frame_pointer<u64>(w.one.space.l1)[3] == 0);
    CHECK(w.references(w.one.pages[0]) == 3);
}

TEST_CASE("an update names a word of a table, or of memory the guest could write itself", "[hypercall][mmu_update]") {
    Updates w;
    Mfn const page = w.one.pages[0];
    CHECK(w.update(w.one.vcpu, {{maddr_of(page).raw() + 8, 0x1234}}) == 0);
    CHECK(frame_pointer<u64>(page)[1] == 0x1234);
    CHECK(w.update(w.one.vcpu, {{maddr_of(page).raw() + 4, 0x1234}}) == to_abi(Errno::invalid));
    CHECK(w.update(w.one.vcpu, {{maddr_of(w.two.pages[0]).raw(), 0x1234}}) == to_abi(Errno::invalid));
    CHECK(w.update(w.one.vcpu, {{w.two.space.entry(0).raw(), 0}}) == to_abi(Errno::invalid));
    CHECK(w.update(w.one.vcpu, {{u64{1} << 45, 0}}) == to_abi(Errno::invalid));
    REQUIRE(w.page_types.get_page_and_type(page, w.one.domain.id(), PageType::segdesc).ok());
    CHECK(w.update(w.one.vcpu, {{maddr_of(page).raw() + 8, 0x1234}}) == to_abi(Errno::invalid));
    w.page_types.put_page_and_type(page);
}

TEST_CASE("a frame that is not RAM is not updated, whatever owner and type its entry names", "[hypercall][mmu_update]") {
    Updates w;
    Mfn const page = w.one.pages[0];
    MachineAddress const entry = w.one.space.entry(0);
    for (auto const& [frame, address] : {std::pair{page, maddr_of(page)}, std::pair{mfn_of(entry), entry}}) {
        auto& refs = w.ram.frames()[frame].refs;
        u64 const before = refs.load();
        refs = RefWord::Ram::set(before, 0);
        CHECK(w.update(w.one.vcpu, {{address.raw(), 0}}) == to_abi(Errno::invalid));
        CHECK(refs.load() == RefWord::Ram::set(before, 0));
        refs = before;
    }
    CHECK(w.update(w.one.vcpu, {{entry.raw(), 0}}) == 0);
}

TEST_CASE("whose frames are mapped is the caller's choice only where it is privileged", "[hypercall][mmu_update]") {
    Updates w;
    u64 const foreign = Pte::make(w.two.pages[0], kPlain | Pte::kWritable).raw();
    CHECK(w.update(w.one.vcpu, {{w.one.space.entry(0).raw(), foreign}}, 2) == to_abi(Errno::perm));
    CHECK(w.update(w.one.vcpu, {{w.one.space.entry(0).raw(), foreign}}, 77) == to_abi(Errno::perm));
    CHECK(w.update(w.zero.vcpu, {{w.zero.space.entry(0).raw(), foreign}}, 77) == to_abi(Errno::no_such_domain));
    CHECK(w.update(w.zero.vcpu, {{w.zero.space.entry(0).raw(), foreign}}, 2) == 0);
    CHECK(w.references(w.two.pages[0]) == 2);
    CHECK(w.update(w.zero.vcpu, {{w.two.space.entry(0).raw(), 0}}, u64{3} << 16) == to_abi(Errno::perm));  // tables of another
}

TEST_CASE("a long batch that is interrupted does each update once", "[hypercall][mmu_update]") {
    Updates w;
    std::vector<mmu_update_t> requests;
    for (unsigned i = 0; i < 100; ++i) requests.push_back({w.one.space.entry(i).raw(), Pte::make(w.one.pages[i % 8], kPlain | Pte::kWritable).raw()});
    machine().preempt_after = 2;
    CHECK(w.update(w.one.vcpu, requests) == 0);
    CHECK(w.done == 100);
    CHECK(w.references(w.one.pages[0]) == 14);
}

TEST_CASE("update_va_mapping changes the entry behind an address, and flushes as asked", "[hypercall][mmu_update]") {
    Updates w;
    auto const map = [&](Vcpu& caller, u64 address, Mfn mfn, u64 flags, u64 owner = 0) {
        u64 const number = owner == 0 ? __HYPERVISOR_update_va_mapping : __HYPERVISOR_update_va_mapping_otherdomain;
        return World::hypercall(caller, number, {address, Pte::make(mfn, kPlain).raw(), flags, owner});
    };
    u64 const address = AddressSpace::page(6).raw();
    CHECK(map(w.one.vcpu, address, w.one.pages[0], UVMF_NONE) == 0);
    CHECK(w.references(w.one.pages[0]) == 2);
    unsigned const flushes = machine().tlb_flushes;
    CHECK(map(w.one.vcpu, address, w.one.pages[1], UVMF_TLB_FLUSH | UVMF_ALL) == 0);
    CHECK(machine().tlb_flushes == flushes + 1);
    CHECK(map(w.one.vcpu, address, w.one.pages[0], UVMF_TLB_FLUSH | UVMF_LOCAL) == 0);
    CHECK(machine().tlb_flushes == flushes + 2);
    CHECK(map(w.one.vcpu, address, w.one.pages[1], UVMF_INVLPG | UVMF_LOCAL) == 0);
    CHECK(machine().tlb_flushes == flushes + 2);
    CHECK_REFUSED(w, Errno::fault, map(w.one.vcpu, address, w.one.pages[0], UVMF_TLB_FLUSH | kNowhere));  // no set of vcpus there
    CHECK_REFUSED(w, Errno::invalid, map(w.one.vcpu, 0x4000, w.one.pages[0], UVMF_NONE));                  // no table
    CHECK_REFUSED(w, Errno::invalid, map(w.one.vcpu, kHypervisorStart, w.one.pages[0], UVMF_NONE));
    CHECK_REFUSED(w, Errno::invalid, map(w.one.vcpu, address, w.two.pages[0], UVMF_NONE));
    CHECK_REFUSED(w, Errno::perm, map(w.one.vcpu, address, w.two.pages[0], UVMF_NONE, 2));
    CHECK(map(w.zero.vcpu, address, w.two.pages[0], UVMF_NONE, 2) == 0);
}

TEST_CASE("update_va_mapping drops one page's translation where it is asked to", "[hypercall][mmu_update]") {
    Updates w;
    u64 const address = AddressSpace::page(6).raw();
    auto const map = [&](u64 page, u64 flags) {
        return World::hypercall(w.one.vcpu, __HYPERVISOR_update_va_mapping, {address, Pte::make(w.one.pages[page], kPlain).raw(), flags});
    };
    using Flushed = std::vector<std::pair<PcpuMask, GuestAddress>>;
    auto const flushed = [] { return std::exchange(machine().pages_flushed, {}); };
    machine().pcpu = PcpuId{1};
    w.one.vcpu.sched.loaded_on = 2;
    CHECK(map(0, UVMF_NONE) == 0);
    CHECK(flushed().empty());
    CHECK(map(1, UVMF_INVLPG | UVMF_LOCAL) == 0);
    CHECK(flushed() == Flushed{{PcpuMask{1} << 1, GuestAddress{address}}});
    CHECK(map(0, UVMF_INVLPG | UVMF_ALL) == 0);
    CHECK(flushed() == Flushed{{PcpuMask{1} << 2, GuestAddress{address}}});
    CHECK_REFUSED(w, Errno::fault, map(1, UVMF_INVLPG | kNowhere));  // no set of vcpus there
    CHECK(map(1, UVMF_TLB_FLUSH | UVMF_LOCAL) == 0);
    CHECK(flushed().empty());
}
