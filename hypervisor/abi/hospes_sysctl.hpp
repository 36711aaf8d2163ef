// SPDX-License-Identifier: Apache-2.0
// The one sub-operation of sysctl that Xen does not have. Xen's are numbered from 1 on; ours is far from them.
#pragma once

#include "hypervisor/abi/xen.hpp"

namespace hospes {

inline constexpr u32 kHospesSysctlCheck = 0x4850'0001;

// One step of the invariant checker, in the place of xen_sysctl.u. Step 0 tells how many there are; EINVAL: no such step.
struct HospesCheck {
    u32 step;         // IN
    u32 steps;        // OUT, like all that follows
    u64 differences;  // told in the log, the first ones at least
    u64 frames;
    u64 tables;
    u64 references;
};
static_assert(sizeof(HospesCheck) == 40 && sizeof(HospesCheck) <= sizeof(xen_sysctl::u));

}  // namespace hospes
