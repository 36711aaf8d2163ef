// SPDX-License-Identifier: Apache-2.0
// Debug keys: what the core tells of itself in the log when a key is pressed on the serial line, or by XEN_SYSCTL_debug_keys.
#pragma once

#include "hypervisor/core/system.hpp"

namespace hospes {

// An unknown key is answered with a hint. The caller holds the core lock.
void handle_debug_key(System& system, char key);

}  // namespace hospes
