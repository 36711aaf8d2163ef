// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/port_bitmap.hpp"

#include "hypervisor/core/pv/port_io.hpp"
#include "hypervisor/machine/pcpu.hpp"

namespace hospes {

void refresh_port_bitmap() {
    for (u32 i = 0; i < pcpu_count; ++i) {
        u8* const denied = pcpus[i].tss->denied;
        for (u32 byte = 0; byte < kIoBitmapBytes; ++byte) {
            u8 traps = 0;
            for (u32 bit = 0; bit < 8; ++bit)
                if (port_access(static_cast<u16>(byte * 8 + bit)) != PortAccess::direct) traps = static_cast<u8>(traps | 1u << bit);
            denied[byte] = traps;
        }
    }
}

}  // namespace hospes
