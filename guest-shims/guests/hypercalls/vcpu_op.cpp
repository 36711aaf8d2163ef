// SPDX-License-Identifier: Apache-2.0
// vcpu_op (hypercall 24), for the running vcpu and for vcpus that are not there.
#include "support.hpp"

namespace hospes::guest {

HV_TEST(vcpu_is_up_tells_which_vcpus_exist) {
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_is_up, 0), 1);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_is_up, 200), kENOENT);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_is_up, 8191), kENOENT);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_is_up, 0xffffffff), kENOENT);
}

HV_TEST(vcpu_runstate_info_adds_up) {
    vcpu_runstate_info_t info{};
    HV_REQUIRE_EQ(hv::vcpu_op(VCPUOP_get_runstate_info, 0, &info), 0);
    HV_CHECK_EQ(info.state, RUNSTATE_running);
    HV_CHECK(info.time[RUNSTATE_running] > 0);
    HV_CHECK(info.state_entry_time <= system_time_ns());
}

HV_TEST(vcpu_runstate_area_is_filled_at_registration_and_kept_up) {
    static vcpu_runstate_info_t area;
    area = {};
    area.state = 77;
    vcpu_register_runstate_memory_area_t request{};
    request.addr.v = &area;
    HV_REQUIRE_EQ(hv::vcpu_op(VCPUOP_register_runstate_memory_area, 0, &request), 0);
    HV_CHECK_EQ(area.state, RUNSTATE_running);
    HV_CHECK(area.time[RUNSTATE_running] > 0);
    const auto total = [] { return area.time[RUNSTATE_running] + area.time[RUNSTATE_blocked] + area.time[RUNSTATE_runnable]; };
    const u64 before = total();
    EventPort port{};
    HV_REQUIRE_EQ(bind_virq(VIRQ_TIMER, 0, port), 0);
    unmask_port(port);
    for (unsigned i = 0; i < 200 && total() == before; ++i) {  // a timer that is late lets nobody wait
        HV_REQUIRE_EQ(hv::set_timer_op(system_time_ns() + 5000000), 0);
        HV_REQUIRE_EQ(wait_for_event(), 0);
    }
    mask_port(port);
    HV_CHECK_EQ(close_port(port), 0);
    HV_CHECK_EQ(area.state, RUNSTATE_running);
    HV_CHECK(total() > before);
}

HV_TEST(vcpu_info_can_be_moved_once) {
    const bool skip = option_given("keep-vcpu-info");
    HV_SKIP_IF(skip, "the option keep-vcpu-info was given");
    alignas(kPageSize) static u8 page[kPageSize];
    vcpu_register_vcpu_info_t request{};
    request.mfn = raw(mfn_of_address(page));
    request.offset = kPageSize - 32;  // would cross the page
    HV_CHECK(hv::vcpu_op(VCPUOP_register_vcpu_info, 0, &request) < 0);
    request.offset = 0xfffff000;
    HV_CHECK(hv::vcpu_op(VCPUOP_register_vcpu_info, 0, &request) < 0);
    request.offset = 128;
    request.mfn = raw(kNoSuchMfn);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_register_vcpu_info, 0, &request), kEINVAL);
    request.mfn = raw(mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base)));
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_register_vcpu_info, 0, &request), kEINVAL);
    request.mfn = raw(mfn_of_address(page));
    HV_REQUIRE_EQ(hv::vcpu_op(VCPUOP_register_vcpu_info, 0, &request), 0);
    set_vcpu_info(reinterpret_cast<vcpu_info_t *>(page + 128));
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_pending, 1);  // nothing may be lost by the move
    HV_CHECK_EQ(vcpu_info().evtchn_pending_sel, ~0ULL);
    HV_CHECK_EQ(vcpu_info().evtchn_upcall_mask, 1);
    HV_CHECK(system_time_ns() > 0);
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_register_vcpu_info, 0, &request), kEINVAL);
    // From here on everything is delivered through the new place.
    EventPort port{};
    unsigned calls = 0;
    HV_REQUIRE_EQ(bind_ipi(0, port), 0);
    set_event_handler(port, [](EventPort, void *context) { ++*static_cast<unsigned *>(context); }, &calls);
    unmask_port(port);
    events_enable();
    HV_CHECK_EQ(send_event(port), 0);
    HV_CHECK_EQ(calls, 1);
    events_disable();
    mask_port(port);
    HV_CHECK_EQ(close_port(port), 0);
    HV_CHECK_EQ(catch_fault([] { asm volatile("mov 0x1357, %%eax" : : : "eax"); }).vector(), 14);
    HV_CHECK_EQ(vcpu_info().arch.cr2, 0x1357);
}

HV_TEST(vcpu_up_of_the_running_vcpu_is_harmless) { HV_CHECK_EQ(hv::vcpu_op(VCPUOP_up, 0), 0); }

HV_TEST(vcpu_initialise_of_an_initialised_vcpu_is_eexist) {
    static vcpu_guest_context_t context;
    HV_CHECK_EQ(hv::vcpu_op(VCPUOP_initialise, 0, &context), kEEXIST);
}

HV_TEST(vcpu_operations_on_absent_vcpus_are_enoent) {
    static vcpu_guest_context_t context;
    for (const u32 command : {VCPUOP_initialise, VCPUOP_up, VCPUOP_down, VCPUOP_get_runstate_info, VCPUOP_register_vcpu_info,
                              VCPUOP_set_singleshot_timer, VCPUOP_stop_periodic_timer})
        HV_CHECK_EQ(hv::vcpu_op(command, 8191, &context), kENOENT);
}

HV_TEST(vcpu_bad_pointers_are_efault) {
    for (const u64 bad : kBadPointers) {
        HV_CHECK_EQ(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, bad), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, bad), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, bad), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, bad), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, bad), kEFAULT);
    }
}

HV_TEST(vcpu_unknown_commands_are_enosys) {
    HV_CHECK_EQ(hv::vcpu_op(99, 0), kENOSYS);
    HV_CHECK_EQ(hv::vcpu_op(0xffffffff, 0), kENOSYS);
}

HV_TEST(stack_switch_errors_and_success) {
    HV_CHECK_EQ(hv::stack_switch(kFlatSs, user_trap_stack()), 0);
    HV_CHECK_EQ(hv::stack_switch(0, user_trap_stack()), 0);
}

}  // namespace hospes::guest
