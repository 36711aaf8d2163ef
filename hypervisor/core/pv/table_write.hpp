// SPDX-License-Identifier: Apache-2.0
// Direct writes of a guest's kernel to its (read-only mapped) level-1 page tables, which Linux does for speed and we do for it.
#pragma once

#include "hypervisor/core/pv/exceptions.hpp"

namespace hospes {

class Vcpu;

// A write fault of the guest's kernel: if the instruction is one that changes an entry of a level-1 table, does it and moves on.
// False: it is an ordinary fault of the guest's own.
[[nodiscard]] bool emulate_table_write(Vcpu& vcpu, Fault const& fault);

}  // namespace hospes
