// SPDX-License-Identifier: Apache-2.0
// What one pcpu asks of another. It is served in the interrupt that announces it, or, by one that waits with interrupts off, in
// relax_while_waiting(). Who asks then waits for the effect itself: the TLB clock, or the vcpu that is given up.
#pragma once

#include "hypervisor/machine/pcpu.hpp"

namespace hospes {

enum class Request : u32 { flush_tlb = 1u << 0, unload_idle = 1u << 1 };

// Interrupts `target`, which is another pcpu than this and online.
void send_request(Pcpu& target, Request request);

// Serves what is asked of this pcpu. An unload that cannot be served yet, because the vcpu still runs, stays asked. A pcpu that is idle gives
// up its address space instead of flushing it: it will not be asked again while it sleeps.
[[gnu::noinline]] void serve_requests();

}  // namespace hospes
