// SPDX-License-Identifier: Apache-2.0
// The machine's console (serial line) as dom0 uses it, and the log's ring as a toolstack reads it.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

// Raw bytes to the serial line, in one piece. The log's ring does not get them: dom0 shows the ring on this line.
void console_write(char const* bytes, usize size);

// Takes up to `size` bytes that arrived; returns how many.
usize console_read(char* bytes, usize size);

// XEN_SYSCTL_readconsole: copies log bytes from the ring position `index` on (`incremental`), or from the oldest one; advances `index`
// past what was copied and returns how many. A position that has been overwritten moves to the oldest byte kept.
usize log_ring_read(char* bytes, usize size, bool incremental, u32& index);
void log_ring_clear();

}  // namespace hospes
