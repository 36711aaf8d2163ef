// SPDX-License-Identifier: Apache-2.0
// set_segment_base, stack_switch, fpu_taskswitch, vm_assist, and the debug registers: what a vcpu sets for itself by numbers alone.
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
