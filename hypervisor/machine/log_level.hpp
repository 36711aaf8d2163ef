// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/ports/log.hpp"

namespace hospes {

// Lines less important than `level` are not printed. At first: info.
void set_log_level(LogLevel level);
LogLevel log_level();

}  // namespace hospes
