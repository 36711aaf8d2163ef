// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/firmware.hpp"

namespace hospes {

constinit FirmwareFacts firmware_facts{};

}  // namespace hospes
