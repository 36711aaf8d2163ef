// SPDX-License-Identifier: Apache-2.0
// Instructions of the core that may fault, and where to go on when they do.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

// In an asm statement: a fault at label `from` continues at label `to`.
#define HV_FIXUP(from, to)                          \
    ".pushsection hv_fixups, \"a\", @progbits\n"    \
    ".balign 4\n"                                   \
    ".long " from " - .\n"                          \
    ".long " to " - .\n"                            \
    ".popsection\n"

// Where to go on after a fault at `rip`, or 0.
u64 find_fixup(u64 rip);

}  // namespace hospes
