// SPDX-License-Identifier: Apache-2.0
// The toolstack's bitmaps of processors (xenctl_bitmap).
#pragma once

#include "hypervisor/abi/xen.hpp"
#include "hypervisor/base/result.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {

PcpuMask online_pcpus();

// The pcpus in a bitmap of any size; bits from nr_bits on, and of pcpus that cannot be, do not count. Errno::fault.
Result<PcpuMask> read_cpu_map(xenctl_bitmap const& map);
// Fills the whole bitmap. Errno::fault; Errno::invalid: larger than any that Xen would fill.
Status write_cpu_map(xenctl_bitmap const& map, PcpuMask pcpus);

}  // namespace hospes
