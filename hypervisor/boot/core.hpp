// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/core/system.hpp"

namespace hospes {

// The one core that runs on this machine. Only boot/ and the hooks of machine/ ask for it; all else gets a reference.
System& the_core();

}  // namespace hospes
