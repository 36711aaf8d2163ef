// SPDX-License-Identifier: Apache-2.0
// Numbers that are no hypercall, the hypercall page, and the small hypercalls that have no file of their own.
#include "support.hpp"

extern "C" long call_hypercall_page(hospes::guest::u64 number, hospes::guest::u64 a1, hospes::guest::u64 a2, hospes::guest::u64 a3);

namespace hospes::guest {

HV_TEST(number_unknown_is_enosys) {
    for (const u64 number : {11UL, 43UL, 44UL, 47UL, 56UL, 63UL, 64UL, 127UL, 128UL, 255UL, 4096UL, 0x7fffffffUL, 0xffffffffUL, 0x100000011UL, ~0UL})
        HV_CHECK_EQ(hypercall(number), kENOSYS);
}

HV_TEST(number_of_retired_hypercalls_is_refused) {
    HV_CHECK(hypercall(__HYPERVISOR_tmem_op, 0x1000, 0x1000, 0x1000) < 0);
    HV_CHECK(hypercall(__HYPERVISOR_xenoprof_op, 99, 0x1000) < 0);
}

HV_TEST(number_through_the_hypercall_page) {
    HV_CHECK_EQ(call_hypercall_page(__HYPERVISOR_xen_version, XENVER_version, 0, 0), 0x00040011);
    HV_CHECK_EQ(call_hypercall_page(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0), 0);
    HV_CHECK_EQ(call_hypercall_page(63, 0, 0, 0), kENOSYS);
}

HV_TEST(vm_assist_known_and_unknown) {
    HV_CHECK_EQ(hv::vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    HV_CHECK_EQ(hv::vm_assist(VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3), 0);
    HV_CHECK_EQ(hv::vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
    HV_CHECK_EQ(hv::vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag), 0);
    HV_CHECK(hv::vm_assist(VMASST_CMD_enable, 63) < 0);
    HV_CHECK(hv::vm_assist(VMASST_CMD_enable, 0xffffffff) < 0);
    HV_CHECK(hv::vm_assist(9, VMASST_TYPE_writable_pagetables) < 0);
}

HV_TEST(callback_register_and_unregister) {
    callback_register_t request{};
    request.type = 99;
    HV_CHECK_EQ(hv::callback_op(CALLBACKOP_register, &request), kENOSYS);
    callback_unregister_t remove{};
    remove.type = CALLBACKTYPE_event;
    HV_CHECK_EQ(hv::callback_op(CALLBACKOP_unregister, &remove), kEINVAL);
    HV_CHECK_EQ(hv::callback_op(9, &request), kENOSYS);
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, bad), kEFAULT);
}

HV_TEST(callback_at_a_non_canonical_address_is_refused) {
    callback_register_t request{};
    request.type = CALLBACKTYPE_event;
    request.address = kNonCanonical;
    HV_CHECK_EQ(hv::callback_op(CALLBACKOP_register, &request), kEINVAL);
    request.type = CALLBACKTYPE_syscall;
    HV_CHECK_EQ(hv::callback_op(CALLBACKOP_register, &request), kEINVAL);
    trap_init();
}

HV_TEST(debug_registers_by_hypercall) {
    HV_CHECK_EQ(hypercall(__HYPERVISOR_set_debugreg, 0, 0x1000), 0);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_get_debugreg, 0), 0x1000);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_set_debugreg, 0, 0), 0);
    HV_CHECK(hypercall(__HYPERVISOR_set_debugreg, 0, kHypervisorStart + 0x1000) < 0);
    HV_CHECK(hypercall(__HYPERVISOR_set_debugreg, 0, kNonCanonical) < 0);
    HV_CHECK(hypercall(__HYPERVISOR_set_debugreg, 9, 0) < 0);
    HV_CHECK(hypercall(__HYPERVISOR_get_debugreg, 9) < 0);
}

HV_TEST(physdev_unknown_commands_and_bad_pointers) {
    u64 argument[8] = {};
    HV_CHECK_EQ(hv::physdev_op(200, argument), kENOSYS);
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, bad), kEFAULT);
}

HV_TEST(platform_op_with_a_wrong_interface_version_is_eacces) {
    HV_SKIP_IF(!is_initial_domain(), "only the initial domain may");
    static xen_platform_op_t op;
    op = {};
    op.cmd = XENPF_get_cpuinfo;
    op.interface_version = 0x12345678;
    HV_CHECK_EQ(hypercall(__HYPERVISOR_platform_op, address_of(&op)), kEACCES);
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.cmd = 9999;
    HV_CHECK(hypercall(__HYPERVISOR_platform_op, address_of(&op)) < 0);
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_platform_op, bad), kEFAULT);
}

HV_TEST(domain_control_is_refused_to_ordinary_domains) {
    HV_SKIP_IF(is_initial_domain(), "this is the initial domain");
    HV_CHECK(hypercall(__HYPERVISOR_domctl, 0x1000) < 0);
    HV_CHECK(hypercall(__HYPERVISOR_sysctl, 0x1000) < 0);
    HV_CHECK(hypercall(__HYPERVISOR_platform_op, 0x1000) < 0);
}

HV_TEST(domain_control_with_bad_pointers_is_efault) {
    HV_SKIP_IF(!is_initial_domain(), "only the initial domain may");
    for (const u64 bad : kBadPointers) {
        HV_CHECK_EQ(hypercall(__HYPERVISOR_domctl, bad), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_sysctl, bad), kEFAULT);
    }
    static u8 op[1024];
    memset(op, 0, sizeof op);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_domctl, address_of(op)), kEACCES);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_sysctl, address_of(op)), kEACCES);
}

HV_TEST(update_va_mapping_of_an_unknown_domain_is_refused) {
    HV_CHECK(hypercall(__HYPERVISOR_update_va_mapping_otherdomain, kVirtBase, 0, 0, 1234) < 0);
}

}  // namespace hospes::guest
