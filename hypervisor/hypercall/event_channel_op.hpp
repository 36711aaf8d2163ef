// SPDX-License-Identifier: Apache-2.0
// The sub-operations of event_channel_op: bindings (event_channel_bind.cpp) and the use of ports (event_channel_use.cpp).
#pragma once

#include "hypervisor/hypercall/hypercall.hpp"

namespace hospes {

// Each reads its evtchn_* structure at `arg` once.
Outcome event_alloc_unbound(Vcpu& caller, GuestAddress arg);
Outcome event_bind_interdomain(Vcpu& caller, GuestAddress arg);
Outcome event_bind_virq(Vcpu& caller, GuestAddress arg);
Outcome event_bind_pirq(Vcpu& caller, GuestAddress arg);
Outcome event_bind_ipi(Vcpu& caller, GuestAddress arg);

Outcome event_close(Vcpu& caller, GuestAddress arg);
Outcome event_send(Vcpu& caller, GuestAddress arg);
Outcome event_status(Vcpu& caller, GuestAddress arg);
Outcome event_bind_vcpu(Vcpu& caller, GuestAddress arg);
Outcome event_unmask(Vcpu& caller, GuestAddress arg);
Outcome event_reset(Vcpu& caller, GuestAddress arg);

}  // namespace hospes
