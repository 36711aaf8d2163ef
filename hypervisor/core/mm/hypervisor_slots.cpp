// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/hypervisor_slots.hpp"

namespace hospes {

constinit std::array<u64, kHypervisorSlots> hypervisor_slots{};

}  // namespace hospes
