// SPDX-License-Identifier: Apache-2.0
// Where a vcpu's vcpu_info lies: in shared_info (the first 32 vcpus), or where VCPUOP_register_vcpu_info put it.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/core/domain/vcpu.hpp"

namespace hospes {

// VCPUOP_register_vcpu_info, once a vcpu: its vcpu_info moves to byte `offset` of `frame`, with its content, and everything is marked
// pending so that no event of the meantime is lost. The vcpu is the caller itself or down. Takes a writable reference.
// Errno::invalid: registered already; the area is not 8-byte aligned or crosses the page; not a writable frame of the domain.
Status register_vcpu_info(Vcpu& vcpu, Mfn frame, u64 offset);

// Destruction of the domain: the vcpu has no vcpu_info any more, and the reference goes. The vcpu never runs again.
void release_vcpu_info(Vcpu& vcpu);

}  // namespace hospes
