// SPDX-License-Identifier: Apache-2.0
// The guest's LDT: mapped at once, page by page, from where the guest's tables say it lies.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

class Vcpu;

// Makes the `entries` descriptors at `base`, in the vcpu's kernel root, its LDT; 0 entries: none. The old one is dropped.
// Errno::invalid: not page aligned, not the guest's, more than 8192, not mapped, or not descriptors a guest may have.
Status set_ldt(Vcpu& vcpu, GuestAddress base, u32 entries);

// Drops GDT and LDT of a vcpu that never runs again.
void release_descriptor_tables(Vcpu& vcpu);

}  // namespace hospes
