// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/vcpu_info.hpp"

#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Registration : World {
    Domain& domain = add_domain(1, 40);
    Domain& other = add_domain(2);
    Vcpu& vcpu = *domain.vcpus[0];
    Mfn frame = populate(domain);
};

}  // namespace

TEST_CASE("a frame that is still being taken apart as a table becomes a vcpu_info at another attempt", "[event][vcpu_info]") {
    Registration w;
    for (unsigned i = 0; i < 5; ++i) frame_pointer<u64>(w.frame)[i] = Pte::make(w.populate(w.domain), Pte::kPresent | Pte::kUser).raw();
    REQUIRE(w.page_types.pin(w.frame, w.domain, PageType::l2_table).ok());
    machine().preempt_after = 0;
    REQUIRE(w.page_types.unpin(w.frame, w.domain).ok());
    machine().preempt_after = 0;
    CHECK(register_vcpu_info(w.vcpu, w.frame, 0).error() == Errno::restart);
    machine().preempt_after = -1;
    CHECK(register_vcpu_info(w.vcpu, w.frame, 0).ok());
}

TEST_CASE("a registered vcpu_info takes the old content over and has everything pending", "[event][vcpu_info]") {
    Registration w;
    w.vcpu.info->evtchn_upcall_mask = 1;
    w.vcpu.info->arch.cr2 = 0x1234;
    w.vcpu.info->time.system_time = 99;
    REQUIRE(register_vcpu_info(w.vcpu, w.frame, 128).ok());

    auto* const info = reinterpret_cast<vcpu_info_t*>(frame_pointer<u8>(w.frame) + 128);
    CHECK(w.vcpu.info == info);
    CHECK(info->arch.cr2 == 0x1234);
    CHECK(info->time.system_time == 99);
    CHECK(info->evtchn_upcall_mask == 1);
    CHECK(info->evtchn_upcall_pending == 1);
    CHECK(info->evtchn_pending_sel == ~u64{0});
    CHECK(w.page_types.type(w.frame) == PageType::writable);
}

TEST_CASE("a vcpu_info is registered once, inside a page, aligned, in a writable frame of one's own", "[event][vcpu_info]") {
    Registration w;
    CHECK(register_vcpu_info(w.vcpu, w.frame, kPageSize - 63).error() == Errno::invalid);
    CHECK(register_vcpu_info(w.vcpu, w.frame, kPageSize).error() == Errno::invalid);
    CHECK(register_vcpu_info(w.vcpu, w.frame, ~u64{7}).error() == Errno::invalid);
    CHECK(register_vcpu_info(w.vcpu, w.frame, 4).error() == Errno::invalid);
    CHECK(register_vcpu_info(w.vcpu, w.populate(w.other), 0).error() == Errno::invalid);
    CHECK(register_vcpu_info(w.vcpu, w.level1_table(w.domain), 0).error() == Errno::invalid);
    CHECK(register_vcpu_info(w.vcpu, Mfn{1u << 30}, 0).error() == Errno::invalid);
    REQUIRE(register_vcpu_info(w.vcpu, w.frame, kPageSize - 64).ok());
    CHECK(register_vcpu_info(w.vcpu, w.frame, 0).error() == Errno::invalid);
}

TEST_CASE("a vcpu above the slots of shared_info has no events until it registers", "[event][vcpu_info]") {
    Registration w;
    Vcpu& last = *w.domain.vcpus[39];
    raise_upcall(last);
    CHECK_FALSE(has_deliverable_event(last));
    CHECK(are_events_masked(last));
    REQUIRE(register_vcpu_info(last, w.frame, 0).ok());
    CHECK(are_events_masked(last));
    unmask_events(last);
    CHECK(has_deliverable_event(last));
    CHECK_FALSE(mask_events(last));
    CHECK(mask_events(last));
    CHECK_FALSE(has_deliverable_event(last));
}
