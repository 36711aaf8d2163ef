// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/m2p.hpp"

namespace hospes {

constinit u64 m2p_base = 0;

}  // namespace hospes
