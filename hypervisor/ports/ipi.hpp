// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

inline constexpr u32 kMaxPcpus = 64;  // a PcpuMask (ports/tlb.hpp) has room for no more

// The pcpu this code runs on.
PcpuId this_pcpu_id();

// Makes pcpu leave the guest or its idle loop and look at its scheduler and the current vcpu's events.
// On the calling pcpu this only sets the flag that the way back to the guest checks.
void kick_pcpu(PcpuId pcpu);

// Serves what other pcpus ask of this one (TLB flushes, giving up an idle vcpu's state), then pauses for an instant. Every loop that
// waits for another pcpu calls it: with interrupts off, the other may be waiting for us.
void relax_while_waiting();

}  // namespace hospes
