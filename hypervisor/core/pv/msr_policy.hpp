// SPDX-License-Identifier: Apache-2.0
// The model-specific registers a PV guest may read or write. Every other one gives #GP, which Linux's accessors take.
#pragma once

#include "hypervisor/base/result.hpp"

namespace hospes {

class Vcpu;

// Errno::invalid: the guest gets #GP(0).
Result<u64> read_guest_msr(Vcpu& vcpu, u32 number);
Status write_guest_msr(Vcpu& vcpu, u32 number, u64 value);

// May a guest have `base` as segment base: canonical and not in the core's range.
bool is_guest_base(u64 base);

}  // namespace hospes
