// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/hypercall.hpp"

#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("a number without a hypercall is refused", "[hypercall][table]") {
    Stage w;
    for (u64 const number : {u64{6}, u64{11}, u64{63}, u64{64}, u64{1} << 32, ~u64{0}}) {
        CHECK_REFUSED(w, Errno::no_system_call, World::hypercall(w.one.vcpu, number, {}));
        CHECK(std::string{hypercall_name(number)} == "unknown");
    }
    CHECK(std::string{hypercall_name(__HYPERVISOR_domctl)} == "domctl");
}

TEST_CASE("what belongs to the control domain is refused to others before anything is read", "[hypercall][table]") {
    Stage w;
    for (u64 const number : {__HYPERVISOR_domctl, __HYPERVISOR_sysctl, __HYPERVISOR_platform_op, __HYPERVISOR_update_va_mapping_otherdomain}) {
        guest_memory().reads.clear();
        CHECK_REFUSED(w, Errno::perm, World::hypercall(w.one.vcpu, number, {kNowhere, kNowhere, kNowhere, kNowhere}));
        CHECK(guest_memory().reads.empty());
    }
    CHECK_REFUSED(w, Errno::fault, World::hypercall(w.zero.vcpu, __HYPERVISOR_domctl, {kNowhere}));
}
