// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/x86/exceptions.hpp"
#include "hypervisor/x86/layout.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kHandler = 0xffff'ffff'8100'0000;

struct Callbacks : Stage {
    i64 add(u16 type, u64 address, u16 flags = 0) {
        callback_register_t request{};
        request.type = type;
        request.flags = flags;
        request.address = address;
        return World::hypercall(one.vcpu, __HYPERVISOR_callback_op, {CALLBACKOP_register, pointer_to(request)});
    }
    i64 remove(u16 type) {
        callback_unregister_t request{};
        request.type = type;
        return World::hypercall(one.vcpu, __HYPERVISOR_callback_op, {CALLBACKOP_unregister, pointer_to(request)});
    }
};

}  // namespace

TEST_CASE("each callback goes to its place", "[hypercall][callback]") {
    Callbacks w;
    PvState const& pv = w.one.vcpu.pv;
    CHECK(w.add(CALLBACKTYPE_event, kHandler) == 0);
    CHECK(w.add(CALLBACKTYPE_failsafe, kHandler + 1, CALLBACKF_mask_events) == 0);
    CHECK(w.add(CALLBACKTYPE_syscall, kHandler + 2) == 0);
    CHECK(w.add(CALLBACKTYPE_nmi, kHandler + 3) == 0);
    CHECK(pv.event_callback.address == kHandler);
    CHECK(pv.failsafe_callback.address == kHandler + 1);
    CHECK(pv.failsafe_callback.masks_events);
    CHECK(pv.syscall_callback.address == kHandler + 2);
    CHECK(!pv.syscall_callback.masks_events);
    CHECK(pv.traps[kVectorNmi].address == kHandler + 3);
    CHECK(w.remove(CALLBACKTYPE_nmi) == 0);
    CHECK(pv.traps[kVectorNmi].address == 0);
}

TEST_CASE("a callback into the core, or of a type that is not offered, is refused", "[hypercall][callback]") {
    Callbacks w;
    for (u16 const type : std::initializer_list<u16>{CALLBACKTYPE_event, CALLBACKTYPE_failsafe, CALLBACKTYPE_syscall, CALLBACKTYPE_nmi}) {
        CHECK_REFUSED(w, Errno::invalid, w.add(type, kHypervisorStart));
        CHECK_REFUSED(w, Errno::invalid, w.add(type, 0x8000'0000'0000));  // not canonical
    }
    CHECK_REFUSED(w, Errno::no_system_call, w.add(CALLBACKTYPE_sysenter, kHandler));
    CHECK_REFUSED(w, Errno::no_system_call, w.add(CALLBACKTYPE_syscall32, kHandler));
    CHECK_REFUSED(w, Errno::invalid, w.remove(CALLBACKTYPE_event));
    CHECK_REFUSED(w, Errno::no_system_call, World::hypercall(w.one.vcpu, __HYPERVISOR_callback_op, {2, kNowhere}));
    CHECK_REFUSED(w, Errno::fault, World::hypercall(w.one.vcpu, __HYPERVISOR_callback_op, {CALLBACKOP_register, kNowhere}));
}

TEST_CASE("set_callbacks sets three at once or none", "[hypercall][callback]") {
    Callbacks w;
    CHECK_REFUSED(w, Errno::invalid, World::hypercall(w.one.vcpu, __HYPERVISOR_set_callbacks, {kHandler, kHandler, kHypervisorStart}));
    CHECK(World::hypercall(w.one.vcpu, __HYPERVISOR_set_callbacks, {kHandler, kHandler + 1, kHandler + 2}) == 0);
    CHECK(w.one.vcpu.pv.event_callback.address == kHandler);
    CHECK(w.one.vcpu.pv.event_callback.masks_events);
    CHECK(w.one.vcpu.pv.failsafe_callback.address == kHandler + 1);
    CHECK(w.one.vcpu.pv.syscall_callback.address == kHandler + 2);
}
