// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/port_bitmap.hpp"

#include "hypervisor/core/pv/port_io.hpp"
#include "hypervisor/machine/pcpu.hpp"

namespace hospes {

void open_ports(Pcpu& pcpu) {
    for (u32 byte = 0; byte < kIoBitmapBytes; ++byte) {
        u8 traps = 0;
        for (u32 bit = 0; bit < 8; ++bit)
            if (is_port_denied(static_cast<u16>(byte * 8 + bit))) traps = static_cast<u8>(traps | 1u << bit);
        pcpu.tss->denied[byte] = traps;
    }
}

}  // namespace hospes
