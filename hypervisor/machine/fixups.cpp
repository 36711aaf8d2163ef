// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/fixups.hpp"

namespace hospes {
namespace {

struct Fixup {
    i32 from;  // both relative to their own place
    i32 to;
};

u64 target(i32 const& offset) { return reinterpret_cast<u64>(&offset) + static_cast<u64>(static_cast<i64>(offset)); }

}  // namespace

// The linker names the ends of a section whose name is an identifier.
extern "C" Fixup const __start_hv_fixups[];
extern "C" Fixup const __stop_hv_fixups[];

u64 find_fixup(u64 rip) {
    for (Fixup const* fixup = __start_hv_fixups; fixup != __stop_hv_fixups; ++fixup)
        if (target(fixup->from) == rip) return target(fixup->to);
    return 0;
}

}  // namespace hospes
