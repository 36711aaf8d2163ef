// SPDX-License-Identifier: Apache-2.0
// set_segment_base (25): FS and GS bases of the caller.
#include "hypervisor/core/pv/msr_policy.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_cpu.hpp"

namespace hospes {

Outcome hypercall_set_segment_base(Vcpu& caller, HypercallArgs& args) {
    if (args[0] == SEGBASE_GS_USER_SEL) {
        load_user_gs(caller, static_cast<u16>(args[1]));
        return 0;
    }
    if (!is_guest_base(args[1])) return Errno::invalid;
    switch (args[0]) {
        case SEGBASE_FS: set_segment_base(caller, SegmentBase::fs, args[1]); return 0;
        case SEGBASE_GS_USER: set_segment_base(caller, SegmentBase::gs_user, args[1]); return 0;
        case SEGBASE_GS_KERNEL: set_segment_base(caller, SegmentBase::gs_kernel, args[1]); return 0;
        default: return Errno::invalid;
    }
}

}  // namespace hospes
