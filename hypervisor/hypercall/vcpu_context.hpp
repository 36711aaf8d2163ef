// SPDX-License-Identifier: Apache-2.0
// The whole state of a vcpu as the ABI has it (vcpu_guest_context): VCPUOP_initialise, setvcpucontext, getvcpucontext, and dom0's start.
#pragma once

#include "hypervisor/abi/xen.hpp"
#include "hypervisor/base/result.hpp"

namespace hospes {

class Vcpu;

// Gives `vcpu`, which does not run, the state in `context` (a private copy). On an error the vcpu keeps
// its state, but for its GDT, which may be the new one.
// Errno::invalid: an address a guest may not have, a selector table, root or debug register that is not valid;
// Errno::restart: a root is still being validated, call again.
Status load_context(Vcpu& vcpu, vcpu_guest_context_t const& context);

// The state of `vcpu`, which does not run or is the caller's.
void save_context(Vcpu& vcpu, vcpu_guest_context_t& context);

}  // namespace hospes
