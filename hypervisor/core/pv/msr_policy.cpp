// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/msr_policy.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/x86/exceptions.hpp"
#include "hypervisor/x86/layout.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {
namespace {

constexpr u64 kApicBaseEnabled = 0xfee0'0800;
constexpr u64 kApicBaseBootProcessor = 0x100;
constexpr u64 kFeatureControlLocked = 1;
constexpr u64 kMiscEnableDefault = u64{1} << 0 | u64{1} << 11 | u64{1} << 12;  // fast strings; no BTS, no PEBS

}  // namespace

bool is_guest_base(u64 base) { return is_guest_range(GuestAddress{base}, 1); }

Result<u64> read_guest_msr(Vcpu& vcpu, u32 number) {
    switch (number) {
        case kMsrFsBase: return segment_base(vcpu, SegmentBase::fs);
        case kMsrGsBase: return segment_base(vcpu, SegmentBase::gs_kernel);
        case kMsrKernelGsBase: return segment_base(vcpu, SegmentBase::gs_user);
        case kMsrPat: return kPatValue;
        case kMsrApicBase: return kApicBaseEnabled | (vcpu.id().raw() == 0 ? kApicBaseBootProcessor : 0);
        case kMsrEfer: return kEferSce | kEferLme | kEferLma | kEferNxe;
        case kMsrTsc: return read_tsc();
        case kMsrMiscEnable: return kMiscEnableDefault;
        case kMsrFeatureControl: return kFeatureControlLocked;
        case kMsrMicrocode:
        case kMsrMcgCap:
        case kMsrMcgStatus:
        case kMsrPlatformInfo:
        case kMsrArchCapabilities:
        case kMsrMiscFeatures:
        case kMsrAmdHwcr:
        case kMsrAmdDeConfig: return u64{0};
        default: break;
    }
    // Before the guest can take a #GP, an unknown register reads as zero.
    if (vcpu.pv.traps[kVectorProtection].address == 0) return u64{0};
    return Errno::invalid;
}

Status write_guest_msr(Vcpu& vcpu, u32 number, u64 value) {
    switch (number) {
        case kMsrFsBase:
        case kMsrGsBase:
        case kMsrKernelGsBase: {
            if (!is_guest_base(value)) return Errno::invalid;
            SegmentBase const which = number == kMsrFsBase ? SegmentBase::fs : number == kMsrGsBase ? SegmentBase::gs_kernel : SegmentBase::gs_user;
            set_segment_base(vcpu, which, value);
            return {};
        }
        case kMsrPat:
            if (value != kPatValue) return Errno::invalid;
            return {};
        case kMsrMicrocode:  // Linux clears it before it reads the revision
        case kMsrMiscEnable:
        case kMsrMcgStatus:
        case kMsrAmdHwcr:
        case kMsrAmdDeConfig: return {};
        default: return Errno::invalid;
    }
}

}  // namespace hospes
