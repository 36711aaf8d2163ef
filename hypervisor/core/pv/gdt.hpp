// SPDX-License-Identifier: Apache-2.0
// The guest's part of its GDT: whole frames of valid descriptors (PageType::segdesc).
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

class Vcpu;

inline constexpr u32 kMaxGuestGdtEntries = 14 * 512;

// Gives `vcpu` the table of `entries` descriptors in `frames` (as many as that needs); the old one is dropped.
// Errno::invalid: too many entries, or a frame that cannot be a descriptor page of the domain.
Status set_gdt(Vcpu& vcpu, u64 const* frames, u32 entries);

}  // namespace hospes
