// SPDX-License-Identifier: Apache-2.0
// The iret hypercall: the one way for a guest kernel to load a whole new state, and the only one into its user mode.
#pragma once

#include "hypervisor/abi/xen.hpp"

namespace hospes {

class Vcpu;

// RFLAGS bits a guest may set for itself: arithmetic, TF, DF, NT, RF, AC, ID.
inline constexpr u64 kGuestRflags = 0x254dd5;

// Continues `vcpu` (the current one) in the state that `frame` describes, with CS and SS at RPL 3. CS.RPL 3 in the frame means user mode.
// The frame's IF becomes the inverse of the upcall mask. Without a root for user mode the domain is stopped.
void apply_iret_frame(Vcpu& vcpu, iret_context const& frame);

}  // namespace hospes
