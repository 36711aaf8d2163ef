// SPDX-License-Identifier: Apache-2.0
// The event words of one vcpu_info: upcall pending, upcall mask, selector. They are shared with the guest: atomic accesses only, and
// nothing in them is trusted. A vcpu without a vcpu_info (number 32 and up, before it registers one) has no events.
#pragma once

#include "hypervisor/core/domain/vcpu.hpp"

namespace hospes {

// Should the upcall handler be called before the guest runs on?
bool has_deliverable_event(Vcpu const& vcpu);
// The guest's virtual interrupt flag, as evtchn_upcall_mask. mask_events returns the mask as it was; unmask_events, whether an event is
// deliverable from now on.
bool mask_events(Vcpu& vcpu);
bool unmask_events(Vcpu& vcpu);
bool are_events_masked(Vcpu const& vcpu);

// Sets upcall pending; if it was not, makes the vcpu notice.
void raise_upcall(Vcpu& vcpu);

// The steps of raising an event. Both return the bit as it was; a vcpu without vcpu_info has all bits set.
bool test_and_set_vcpu_selector(Vcpu& vcpu, unsigned word);
bool test_and_set_upcall_pending(Vcpu& vcpu);
// Upcall pending has just been set: the vcpu wakes up, or leaves the guest to look.
void notice_upcall(Vcpu& vcpu);

}  // namespace hospes
