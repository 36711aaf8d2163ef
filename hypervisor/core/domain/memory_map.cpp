// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/memory_map.hpp"

namespace hospes {

constinit MachineMemoryMap machine_memory_map{};

}  // namespace hospes
