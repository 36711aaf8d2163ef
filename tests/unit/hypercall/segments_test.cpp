// SPDX-License-Identifier: Apache-2.0
// set_segment_base, stack_switch, fpu_taskswitch, vm_assist, the debug registers and the descriptor tables: what a
// vcpu sets for itself.
#include "hypervisor/core/pv/ldt.hpp"
#include "hypervisor/x86/layout.hpp"
#include "tests/support/hypervisor/fake_guest_cpu.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kNonCanonical = 0x8000'0000'0000;

struct Guest : Stage {
    i64 call(u64 number, u64 a0, u64 a1 = 0) { return World::hypercall(one.vcpu, number, {a0, a1}); }
    PvState& pv = one.vcpu.pv;
};

}  // namespace

TEST_CASE("segment bases are the guest's, and lie where it may go", "[hypercall][segments]") {
    Guest w;
    CHECK(w.call(__HYPERVISOR_set_segment_base, SEGBASE_FS, 0x1000) == 0);
    CHECK(w.call(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, 0x2000) == 0);
    CHECK(w.call(__HYPERVISOR_set_segment_base, SEGBASE_GS_KERNEL, kHypervisorEnd) == 0);
    CHECK(w.pv.fs_base == 0x1000);
    CHECK(w.pv.gs_base_user == 0x2000);
    CHECK(w.pv.gs_base_kernel == kHypervisorEnd);
    for (u64 const which : {SEGBASE_FS, SEGBASE_GS_USER, SEGBASE_GS_KERNEL}) {
        CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_set_segment_base, which, kNonCanonical));
        CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_set_segment_base, which, kHypervisorStart));
    }
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_set_segment_base, 4, 0x1000));
    CHECK(w.call(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, 0x33) == 0);
    CHECK(guest_cpu().user_gs_loads == std::vector<u16>{0x33});
}

TEST_CASE("the kernel's stack lies below an address of the guest's", "[hypercall][segments]") {
    Guest w;
    CHECK(w.call(__HYPERVISOR_stack_switch, 0xe02b, 0x9000) == 0);
    CHECK(w.pv.kernel_sp == 0x9000);
    CHECK(w.pv.kernel_ss == 0xe02b);
    CHECK(w.call(__HYPERVISOR_stack_switch, 0x1'0008, 0x8000'0000'0000) == 0);  // the top of the lower half: pushed words lie below
    CHECK(w.pv.kernel_ss == 0xb);                                              // as a selector, at the guest's privilege
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_stack_switch, 0xe02b, kHypervisorEnd));
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_stack_switch, 0xe02b, kHypervisorStart));
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_stack_switch, 0xe02b, 4));  // the word below wraps around
}

TEST_CASE("fpu_taskswitch sets and clears TS", "[hypercall][segments]") {
    Guest w;
    CHECK(w.call(__HYPERVISOR_fpu_taskswitch, 1) == 0);
    CHECK(w.pv.ts);
    CHECK(w.call(__HYPERVISOR_fpu_taskswitch, 0) == 0);
    CHECK(!w.pv.ts);
}

TEST_CASE("vm_assist switches what it knows", "[hypercall][segments]") {
    Guest w;
    CHECK(w.call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables) == 0);
    CHECK(w.call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3) == 0);
    CHECK(w.one.domain.vm_assist == (1u << VMASST_TYPE_writable_pagetables | 1u << VMASST_TYPE_pae_extended_cr3));
    CHECK(w.call(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables) == 0);
    CHECK(w.one.domain.vm_assist == 1u << VMASST_TYPE_pae_extended_cr3);
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 31));
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 32));
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, ~u64{0}));
    CHECK_REFUSED(w, Errno::no_system_call, w.call(__HYPERVISOR_vm_assist, 2, VMASST_TYPE_writable_pagetables));
}

TEST_CASE("debug registers hold breakpoints of the guest's own addresses", "[hypercall][segments]") {
    Guest w;
    CHECK(w.call(__HYPERVISOR_set_debugreg, 0, 0x1234) == 0);
    CHECK(w.call(__HYPERVISOR_get_debugreg, 0) == 0x1234);
    CHECK_REFUSED(w, Errno::perm, w.call(__HYPERVISOR_set_debugreg, 1, kHypervisorStart));
    CHECK_REFUSED(w, Errno::perm, w.call(__HYPERVISOR_set_debugreg, 1, kHypervisorStart - 4));  // reaches into the core
    CHECK_REFUSED(w, Errno::perm, w.call(__HYPERVISOR_set_debugreg, 7, u64{1} << 32));
    CHECK_REFUSED(w, Errno::perm, w.call(__HYPERVISOR_set_debugreg, 7, 0x2000));        // general detect would trap in the core
    CHECK_REFUSED(w, Errno::perm, w.call(__HYPERVISOR_set_debugreg, 7, 2u << 16));      // a breakpoint on ports
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_set_debugreg, 8, 0));
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_get_debugreg, 8));
    CHECK(w.call(__HYPERVISOR_set_debugreg, 5, 1) == 0);  // 5 means 7
    CHECK(w.call(__HYPERVISOR_get_debugreg, 7) == 0x401);
    CHECK(w.call(__HYPERVISOR_set_debugreg, 4, 0xf) == 0);  // 4 means 6
    CHECK(w.call(__HYPERVISOR_get_debugreg, 6) == 0xffff'0fff);
}

TEST_CASE("a GDT has at most 14 pages, all of them descriptors of the caller's own", "[hypercall][segments]") {
    constexpr u64 kMost = 14 * 512;
    Guest w;
    auto& frames = w.arguments<u64>(kGuestGdtFrames);
    for (u32 i = 0; i < 2; ++i) frames[i] = w.one.pages[i].raw();
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_set_gdt, frames.address(), kMost + 1));
    CHECK_REFUSED(w, Errno::fault, w.call(__HYPERVISOR_set_gdt, kNowhere, 512));
    CHECK_REFUSED(w, Errno::invalid, w.call(__HYPERVISOR_set_gdt, frames.address(), 1025));  // its third page is none
    frames[2] = w.two.pages[0].raw();
    CHECK(w.call(__HYPERVISOR_set_gdt, frames.address(), 1025) < 0);
    CHECK(w.page_types.type(w.one.pages[0]) == PageType::none);
    REQUIRE(w.call(__HYPERVISOR_set_gdt, frames.address(), 1024) == 0);
    CHECK(w.pv.gdt_entries == 1024);
    CHECK(w.page_types.type(w.one.pages[1]) == PageType::segdesc);
    REQUIRE(w.call(__HYPERVISOR_set_gdt, frames.address(), 0) == 0);
    CHECK(w.page_types.type(w.one.pages[1]) == PageType::none);
}

TEST_CASE("an LDT has at most 16 pages of the guest's own range, mapped there as descriptors", "[hypercall][segments]") {
    Guest w;
    auto const ldt = [&](u64 base, u32 entries) {
        Status const status = set_ldt(w.one.vcpu, GuestAddress{base}, entries);
        return status.ok() ? 0 : to_abi(status.error());
    };
    map_page(w.one.vcpu, w.one.space, 4, w.one.pages[0], false);
    map_page(w.one.vcpu, w.one.space, 5, w.one.pages[1], true);
    u64 const base = AddressSpace::page(4).raw();
    CHECK_REFUSED(w, Errno::invalid, ldt(base, 16 * 512 + 1));
    CHECK_REFUSED(w, Errno::invalid, ldt(base + 8, 512));
    CHECK_REFUSED(w, Errno::invalid, ldt(kHypervisorStart, 1));
    CHECK_REFUSED(w, Errno::invalid, ldt(kHypervisorStart - kPageSize, 513));
    CHECK_REFUSED(w, Errno::invalid, ldt(AddressSpace::page(6).raw(), 1));  // nothing is mapped
    CHECK(ldt(base, 513) < 0);                                              // its second page can be written
    CHECK(w.page_types.type(w.one.pages[0]) == PageType::none);
    REQUIRE(ldt(base, 512) == 0);
    CHECK(w.pv.ldt_entries == 512);
    CHECK(w.page_types.type(w.one.pages[0]) == PageType::segdesc);
    REQUIRE(ldt(0, 0) == 0);
    CHECK(w.page_types.type(w.one.pages[0]) == PageType::none);
}
