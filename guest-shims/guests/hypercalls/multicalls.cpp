// SPDX-License-Identifier: Apache-2.0
// multicall (hypercall 13).
#include "support.hpp"

namespace hospes::guest {

HV_TEST(multicall_runs_each_entry_and_stores_its_result) {
    multicall_entry_t calls[3]{};
    const Page page;
    calls[0].op = __HYPERVISOR_xen_version;
    calls[0].args[0] = XENVER_version;
    calls[1].op = __HYPERVISOR_update_va_mapping;
    calls[1].args[0] = page.va();
    calls[1].args[1] = entry(page.mfn(), kReadOnlyPage);
    calls[1].args[2] = UVMF_INVLPG;
    calls[2].op = __HYPERVISOR_xen_version;
    calls[2].args[0] = XENVER_pagesize;
    HV_REQUIRE_EQ(hv::multicall(calls, 3), 0);
    HV_CHECK_EQ(calls[0].result, 0x00040011);
    HV_CHECK_EQ(calls[1].result, 0);
    HV_CHECK_EQ(calls[2].result, 4096);
}

HV_TEST(multicall_goes_on_behind_a_failed_entry) {
    multicall_entry_t calls[3]{};
    calls[0].op = 47;
    calls[1].op = 0xffffffffffff;
    calls[2].op = __HYPERVISOR_xen_version;
    HV_REQUIRE_EQ(hv::multicall(calls, 3), 0);
    HV_CHECK_EQ(calls[0].result, kENOSYS);
    HV_CHECK_EQ(calls[1].result, kENOSYS);
    HV_CHECK_EQ(calls[2].result, 0x00040011);
}

HV_TEST(multicall_of_nothing_is_zero) { HV_CHECK_EQ(hv::multicall(nullptr, 0), 0); }

HV_TEST(multicall_of_many_entries) {
    static multicall_entry_t calls[256];
    for (multicall_entry_t &call : calls) call = {};
    for (multicall_entry_t &call : calls) call.op = __HYPERVISOR_xen_version;
    HV_REQUIRE_EQ(hv::multicall(calls, 256), 0);
    for (const multicall_entry_t &call : calls) HV_CHECK_EQ(call.result, 0x00040011);
}

HV_TEST(multicall_within_a_multicall_is_refused) {
    multicall_entry_t inner{}, outer{};
    inner.op = __HYPERVISOR_xen_version;
    inner.result = 77;
    outer.op = __HYPERVISOR_multicall;
    outer.args[0] = address_of(&inner);
    outer.args[1] = 1;
    static_cast<void>(hv::multicall(&outer, 1));
    HV_CHECK_EQ(inner.result, 77);
}

HV_TEST(multicall_bad_arrays_are_efault) {
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_multicall, bad, 1), kEFAULT);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_multicall, kHypervisorStart + 0x50000000000, 0x10000000), kEFAULT);
}

HV_TEST(multicall_of_a_read_only_array_is_efault) {
    const Page page;
    auto *calls = static_cast<multicall_entry_t *>(page.data());
    calls[0].op = __HYPERVISOR_xen_version;
    HV_REQUIRE_EQ(page.make_read_only(), 0);
    HV_CHECK_EQ(hv::multicall(calls, 1), kEFAULT);
}

HV_TEST(multicall_array_that_ends_in_an_unmapped_page) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kWritablePage)), 0);
    auto *calls = reinterpret_cast<multicall_entry_t *>(window.va(1) - 2 * sizeof(multicall_entry_t));
    calls[0].op = calls[1].op = __HYPERVISOR_xen_version;
    HV_CHECK_EQ(hv::multicall(calls, 3), kEFAULT);
    HV_CHECK_EQ(calls[0].result, 0x00040011);
    HV_CHECK_EQ(calls[1].result, 0x00040011);
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(multicall_whose_own_array_goes_away) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kWritablePage)), 0);
    auto *calls = reinterpret_cast<multicall_entry_t *>(window.va(0));
    calls[0].op = __HYPERVISOR_update_va_mapping;
    calls[0].args[0] = window.va(0);
    calls[0].args[1] = 0;
    calls[0].args[2] = UVMF_INVLPG;
    calls[1].op = __HYPERVISOR_xen_version;
    HV_CHECK_EQ(hv::multicall(calls, 2), kEFAULT);
    HV_CHECK_EQ(window.l1[0], 0);
}

}  // namespace hospes::guest
