// SPDX-License-Identifier: Apache-2.0
// How a domain sees its ports: the pending and mask bits in memory shared with it, in the 2-level layout (xen/xen.h, shared_info): a
// pending and a mask bit a port in shared_info, and in each vcpu_info a selector whose bit n says that word n of the pending bits is worth
// a look. The logic of ports (event_channels.hpp) knows nothing of the layout.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

class Domain;
class Vcpu;

namespace two_level {

// Ports of a domain, port 0 included.
inline constexpr u32 kPorts = 4096;

// Makes `port` pending. If it was not: raises an upcall of `target` (null: nobody is there yet) unless the port is masked, and wakes
// vcpus that poll for it. Without locks.
void set_pending(Domain& domain, EventPort port, Vcpu* target);
void clear_pending(Domain& domain, EventPort port);
bool is_pending(Domain& domain, EventPort port);
// Clears the mask, then raises an upcall of `target` when the port is pending.
void unmask(Domain& domain, EventPort port, Vcpu* target);

}  // namespace two_level

}  // namespace hospes
