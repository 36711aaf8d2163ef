// SPDX-License-Identifier: Apache-2.0
// Event channels, 2-level layout.
#pragma once
#include "abi.hpp"

namespace hospes::guest {

constexpr u32 kMaxPorts = 4096;

using EventHandler = void (*)(EventPort port, void *context);

/// Masks every port; upcalls stay off until events_enable.
void event_init();
/// Clears vcpu 0's upcall mask and runs what is pending.
void events_enable();
/// Sets the upcall mask; returns the old value.
u8 events_disable();
/// SCHEDOP_block. Call it with upcalls closed: it opens them as it goes to sleep, so no event slips in between the caller's check
/// and the sleep. Closes them again; returns what the hypercall returned.
long wait_for_event();

/// Called by the upcall with the port's pending bit already cleared.
void set_event_handler(EventPort port, EventHandler handler, void *context);
void mask_port(EventPort port);
/// Unmasks in shared_info and asks for redelivery where the port is pending (EVTCHNOP_unmask).
void unmask_port(EventPort port);
bool port_pending(EventPort port);
bool port_masked(EventPort port);
void clear_pending(EventPort port);

/// Drains pending ports; what the event callback does.
void handle_upcall();
/// How often the event callback ran.
u64 upcall_count();

long bind_virq(u32 virq, u32 vcpu, EventPort &port);
long bind_ipi(u32 vcpu, EventPort &port);
long alloc_unbound(u16 domain, u16 remote, EventPort &port);
long bind_interdomain(u16 remote, EventPort remote_port, EventPort &port);
long close_port(EventPort port);
long send_event(EventPort port);

}  // namespace hospes::guest
